use std::io::Read;
use std::rc::Rc;

use crate::support::Host;

pub async fn a_file_comes_back_as_it_went_in(host: Rc<Host>) {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(5);
    header.set_mode(0o640);
    archive.append_data(&mut header, "some.conf", &b"hello"[..]).unwrap();
    let archive = archive.into_inner().unwrap();

    let stopped = host.engine.create(&host.name("stopped"), &host.spec(&["wait"])).await.unwrap();
    let running = host.start("running", &["wait"]).await;
    for id in [stopped, running] {
        assert_eq!(host.engine.download(&id, "/some.conf").await.unwrap(), None);
        host.engine.upload(&id, "/", archive.clone()).await.unwrap();
        let packed = host.engine.download(&id, "/some.conf").await.unwrap().unwrap();
        let mut packed = tar::Archive::new(packed.as_slice());
        let mut file = packed.entries().unwrap().next().unwrap().unwrap();
        assert_eq!(file.header().mode().unwrap() & 0o777, 0o640);
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "hello");
        let error = host.engine.upload(&id, "/no/such/folder", archive.clone()).await.unwrap_err();
        assert!(error.one_line().contains("/no/such/folder"), "{}", error.one_line());
    }
}
