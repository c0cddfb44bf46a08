use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};

use crate::support::Host;

async fn until_gone(host: &Host, id: &str) {
    let gone = async {
        while host.engine.container(id).await.unwrap().is_some() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), gone).await.expect("it removes itself");
}

pub async fn the_input_reaches_the_container_and_its_end_ends_it(host: Rc<Host>) {
    let target = host.start("target", &["wait"]).await;
    let spec = host.spec(&["cat"]);
    let mut attached = host.engine.attach(&host.name("a"), &spec, Some(&target)).await.unwrap();
    for line in ["one\n", "two\n"] {
        attached.input.write_all(line.as_bytes()).await.unwrap();
        attached.input.flush().await.unwrap();
        let mut answer = String::new();
        attached.output.read_line(&mut answer).await.unwrap();
        assert_eq!(answer, line);
    }
    // It sees the processes of the other container, so its own pid is not the first there.
    let seen = host.raw.inspect_container(&attached.id, None).await.unwrap().host_config.unwrap();
    assert_eq!(seen.pid_mode, Some(format!("container:{target}")));

    // More than any buffer on the way holds, in both directions at once.
    let block = vec![b'x'; 3 << 20];
    let (mut input, mut output) = (attached.input, attached.output);
    let send = async {
        input.write_all(&block).await.unwrap();
        input.shutdown().await.unwrap();
    };
    let mut rest = Vec::new();
    let (_, read) = tokio::join!(send, output.read_to_end(&mut rest));
    read.unwrap();
    let end = format!("bye after {} bytes\n", block.len() + 8);
    assert_eq!(rest.len(), block.len() + end.len());
    assert!(rest.ends_with(end.as_bytes()));
    until_gone(&host, &attached.id).await;
}

pub async fn a_dropped_input_ends_the_container(host: Rc<Host>) {
    let attached = host.engine.attach(&host.name("a"), &host.spec(&["cat"]), None).await.unwrap();
    let mut output = attached.output;
    drop(attached.input);
    let mut said = String::new();
    output.read_to_string(&mut said).await.unwrap();
    assert_eq!(said, "bye after 0 bytes\n");
    until_gone(&host, &attached.id).await;

    // A container that cannot start is not left behind.
    let mut broken = host.spec(&["cat"]);
    broken.entrypoint = Some(vec!["/no/such/program".into()]);
    assert!(host.engine.attach(&host.name("b"), &broken, None).await.is_err());
    assert_eq!(host.engine.container(&host.name("b")).await.unwrap(), None);
}
