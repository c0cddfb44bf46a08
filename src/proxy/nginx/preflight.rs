use crate::error::Result;
use crate::proxy::Finding;

use super::driver::NginxDriver;

impl NginxDriver {
    pub(super) async fn look_for_trouble(&self) -> Result<Vec<Finding>> {
        Ok(Vec::new())
    }
}
