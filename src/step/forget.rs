use super::Context;
use crate::error::Result;
use crate::proxy::Route;

pub(super) async fn run(context: &Context<'_>) -> Result<String> {
    let _writing = context.store.lock_proxy(context.proxy_container().as_str()).await?;
    let route = Route { live: Some(context.green_target().await?), idle: None };
    context.proxy.forget_idle(&route).await?;
    Ok(String::new())
}
