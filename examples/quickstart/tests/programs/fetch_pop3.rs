//! Downloading: each message once, all of it, and it stays on the server.

use std::path::Path;

use crate::support::{FETCH_POP3, Server};

const ONE: &str = "Subject: one\r\n\r\n.dot\r\n";
const TWO: &str = "Subject: two\r\n\r\n\r\n";
const THREE: &str = "Subject: three\r\n\r\nthree\r\n";

#[tokio::test]
async fn what_is_new_is_fetched_once_and_left_there() {
    let server = Server::start().await;
    server.add(ONE);
    server.add(TWO);
    let directory = server.directory.path().join("mail");
    let url = format!("pop3://ursel@localhost:{}", server.sink.pop3.port());
    let fetch = || server.program(FETCH_POP3).run([&url, directory.to_str().unwrap()]);

    let done = fetch().await;
    assert_eq!((done.is_ok, done.out.as_str()), (true, "2 new messages\n"), "{done:?}");
    assert_eq!(files(&directory), [ONE, TWO]);
    let done = fetch().await;
    assert_eq!((done.is_ok, done.out.as_str()), (true, "0 new messages\n"), "{done:?}");
    server.add(THREE);
    let done = fetch().await;
    assert_eq!((done.is_ok, done.out.as_str()), (true, "1 new messages\n"), "{done:?}");
    assert_eq!(files(&directory), [ONE, TWO, THREE]);
    assert_eq!(server.contents(), [ONE, TWO, THREE]);
}

/// The messages, in the order in which they came.
fn files(directory: &Path) -> Vec<String> {
    let names = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut names: Vec<_> = names.filter(|name| name.extension().is_some_and(|end| end == "eml")).collect();
    names.sort();
    names.iter().map(|name| std::fs::read_to_string(name).unwrap()).collect()
}
