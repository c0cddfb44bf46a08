use super::Context;
use crate::error::Result;

pub(super) async fn run(context: &Context<'_>) -> Result<String> {
    let _writing = context.store.lock_proxy(context.proxy_container().as_str()).await?;
    context.proxy.verify(&context.switched_route().await?).await?;
    Ok(format!("{} routes to release {}", context.proxy.describe(), context.plan.target.number))
}
