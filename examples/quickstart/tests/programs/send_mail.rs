//! Sending: to each recipient what became of it, and to the server the octets of the file.

use crate::support::{Program, SEND_MAIL, Server};

const MESSAGE: &str = "Subject: hello\r\n\r\nHello, Hans.\r\n.\r\n..dots\r\n";

#[tokio::test]
async fn a_file_arrives_octet_for_octet_and_each_recipient_is_reported() {
    let server = Server::start().await;
    let file = server.directory.path().join("message.eml");
    std::fs::write(&file, MESSAGE).unwrap();
    let url = format!("submission://ursel@localhost:{}", server.sink.smtp.port());
    let done = server
        .program(SEND_MAIL)
        .run([&url, file.to_str().unwrap(), "ursel@mail.example", "hans@mail.example", "nobody@mail.example"])
        .await;
    assert!(!done.is_ok, "one is refused: {done:?}");
    assert!(done.out.contains("<hans@mail.example>: accepted, 250 "), "{done:?}");
    assert!(
        done.out.contains("<nobody@mail.example>: refused, ") && done.out.contains("550 5.1.1"),
        "{done:?}"
    );
    assert_eq!(done.err, "Error: not everybody gets the message\n");
    assert_eq!(server.contents(), [MESSAGE]);
}

#[tokio::test]
async fn the_standard_input_holds_the_password_and_then_the_message() {
    let server = Server::start().await;
    let url = format!("submission://ursel@localhost:{}", server.sink.smtp.port());
    let input = format!("Geheim!\n{MESSAGE}");
    let program = Program::new(SEND_MAIL).env("MAIL_CA", server.certificate());
    let done = program.feed(&input, [&url, "-", "ursel@mail.example", "hans@mail.example"]).await;
    assert!(done.is_ok, "{done:?}");
    assert_eq!(server.contents(), [MESSAGE]);
}

#[tokio::test]
async fn errors_are_sentences() {
    let server = Server::start().await;
    let url = format!("submission://ursel@localhost:{}", server.sink.smtp.port());
    let arguments = [url.as_str(), "-", "ursel@mail.example", "hans@mail.example"];
    // The certificate is not one of the public authorities'.
    let done = Program::new(SEND_MAIL).env("MAIL_PASSWORD", "Geheim!").run(arguments).await;
    assert!(!done.is_ok && done.err.starts_with("Error: localhost:"), "{done:?}");
    assert!(
        done.err.ends_with("the server's certificate is of an authority that is not trusted\n"),
        "{done:?}"
    );
    let done = server.program(SEND_MAIL).run([&url, "-", "ursel@mail.example", "hans at home"]).await;
    assert!(!done.is_ok && done.err.starts_with("Error: hans at home: "), "{done:?}");
    let done = server
        .program(SEND_MAIL)
        .run(["imap://localhost", "-", "ursel@mail.example", "hans@mail.example"])
        .await;
    assert!(!done.is_ok && done.err.contains("the endpoint is one of Imap"), "{done:?}");
    assert!(server.contents().is_empty());
}

#[tokio::test]
async fn a_password_in_an_argument_is_refused() {
    let url = "submission://ursel:Geheim!@localhost:1";
    let done = Program::new(SEND_MAIL).run([url, "-", "ursel@mail.example", "hans@mail.example"]).await;
    assert!(!done.is_ok && done.err.contains("MAIL_PASSWORD") && !done.err.contains("Geheim!"), "{done:?}");
}
