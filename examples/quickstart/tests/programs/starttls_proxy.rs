//! The proxy: in the clear on one side, never on the other.

use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Program, Running, SEND_MAIL, SINK, STARTTLS_PROXY, Server, soon};

/// Starts a proxy in front of `url`; where it listens.
async fn proxy(program: Program, url: &str) -> (Running, SocketAddr) {
    let mut running = program.start(["127.0.0.1:0", url]);
    let line = running.line().await;
    let address = line.strip_prefix("listening at ").unwrap().strip_suffix(&format!(" for {url}")).unwrap();
    (running, address.parse().unwrap())
}

#[tokio::test]
async fn mail_in_the_clear_reaches_the_server_in_private() {
    let directory = tempfile::tempdir().unwrap();
    let certificate = directory.path().join("ca.pem");
    let any = "127.0.0.1:0";
    let mut sink = Program::new(SINK).start(["--certificate", certificate.to_str().unwrap(), any, any, any]);
    let line = sink.line().await;
    let port = line.strip_prefix("SMTP at 127.0.0.1:").unwrap().split(',').next().unwrap();
    let program = Program::new(STARTTLS_PROXY).env("MAIL_CA", &certificate);
    let (_proxy, address) = proxy(program, &format!("submission://localhost:{port}")).await;

    let url = format!("smtp://127.0.0.1:{}", address.port());
    let arguments = [url.as_str(), "-", "ursel@mail.example", "hans@mail.example"];
    let done = Program::new(SEND_MAIL).feed("Subject: hello\r\n\r\n", arguments).await;
    assert!(done.is_ok && done.out.contains("<hans@mail.example>: accepted"), "{done:?}");
    let line = sink.line().await;
    assert_eq!(line, "18 octets from <ursel@mail.example> to <hans@mail.example>, in private");
}

#[tokio::test]
async fn pop3_and_imap_pass_too() {
    let server = Server::start().await;
    server.add("Subject: hello\r\n\r\nHello.\r\n");
    let url = format!("pop3://localhost:{}", server.sink.pop3.port());
    let (_pop3, address) = proxy(server.program(STARTTLS_PROXY), &url).await;
    let said = conversation(address, "USER ursel\r\nPASS x\r\nUIDL\r\nRETR 1\r\nQUIT\r\n").await;
    assert!(said.starts_with("+OK Ready\r\n") && said.contains("\r\nHello.\r\n.\r\n"), "{said}");

    let url = format!("imap://localhost:{}", server.sink.imap.port());
    let (_imap, address) = proxy(server.program(STARTTLS_PROXY), &url).await;
    let commands = "a LOGIN ursel x\r\nb SELECT INBOX\r\nc FETCH 1 BODY[TEXT]\r\nd LOGOUT\r\n";
    let said = conversation(address, commands).await;
    assert!(said.starts_with("* OK Ready\r\n") && said.contains("Hello.") && said.contains("d OK"), "{said}");
}

#[tokio::test]
async fn tlsc_17_a_server_that_is_not_trusted_gets_nothing() {
    let server = Server::start().await;
    let url = format!("submission://localhost:{}", server.sink.smtp.port());
    let (_proxy, address) = proxy(Program::new(STARTTLS_PROXY), &url).await;
    let said = conversation(address, "").await;
    assert_eq!(said, "421 4.4.1 The server cannot be reached\r\n");
}

/// A server that answers each line with the next of `answers`, behind its greeting: what the client of a proxy in front
/// of it hears. No answer here is one behind which a handshake may begin.
async fn heard_in_front_of(scheme: &str, answers: &[&str]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("{scheme}://localhost:{}", listener.local_addr().unwrap().port());
    let (_proxy, address) = proxy(Program::new(STARTTLS_PROXY), &url).await;
    let server = async {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = BufReader::new(stream);
        let (last, others) = answers.split_last().unwrap();
        for answer in others {
            stream.write_all(answer.as_bytes()).await.unwrap();
            assert!(line(&mut stream).await.ends_with("\r\n"));
        }
        stream.write_all(last.as_bytes()).await.unwrap();
        let mut rest = Vec::new();
        // It may be closed by a reset: there may be something that the proxy has not read.
        let _ = stream.read_to_end(&mut rest).await;
        assert!(rest.is_empty(), "no handshake: {rest:?}");
    };
    let (said, ()) = soon(async { tokio::join!(conversation(address, ""), server) }).await;
    said
}

#[tokio::test]
async fn tlsc_05_tlsc_13_tlsc_15_what_came_in_the_clear_behind_the_yes_ends_it() {
    for injected in ["220 Go\r\n250-evil\r\n250 AUTH LOGIN\r\n", "220 Go\r\n250-AUTH PLAIN LOG"] {
        let answers = ["220 mail.example\r\n", "250-mail.example\r\n250 STARTTLS\r\n", injected];
        assert!(heard_in_front_of("submission", &answers).await.starts_with("421 "), "{injected}");
    }
    for injected in ["+OK Go\r\n+OK\r\nPLAIN\r\n.\r\n", "+OK Go\r\nhalf"] {
        assert!(heard_in_front_of("pop3", &["+OK\r\n", injected]).await.starts_with("-ERR "), "{injected}");
    }
    for injected in ["a OK Go\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n", "a OK Go\r\n* OK [ALE"] {
        assert!(heard_in_front_of("imap", &["* OK\r\n", injected]).await.starts_with("* BYE "), "{injected}");
    }
}

#[tokio::test]
async fn tlsc_02_tlsc_12_tlsc_14_without_tls_nothing_passes() {
    let hello = ["220 mail.example\r\n", "250 mail.example\r\n"];
    for no in ["502 No\r\n", "454 4.7.0 Later\r\n", "250 What?\r\n"] {
        let answers = [hello[0], hello[1], no];
        assert!(heard_in_front_of("submission", &answers).await.starts_with("421 "), "{no}");
        assert!(heard_in_front_of("smtp", &answers).await.starts_with("421 "), "{no}");
    }
    assert!(heard_in_front_of("pop3", &["+OK\r\n", "-ERR No\r\n"]).await.starts_with("-ERR "));
    for no in ["a NO No\r\n", "a BAD What?\r\n"] {
        assert!(heard_in_front_of("imap", &["* OK\r\n", no]).await.starts_with("* BYE "), "{no}");
    }
    // With PREAUTH there is no STARTTLS any more.
    assert!(heard_in_front_of("imap", &["* PREAUTH Welcome\r\n"]).await.starts_with("* BYE "));
}

#[tokio::test]
async fn nobody_else_is_let_in_and_nothing_goes_out_in_the_clear() {
    let done = Program::new(STARTTLS_PROXY).run(["0.0.0.0:0", "submission://localhost"]).await;
    assert!(!done.is_ok && done.err.contains("in the clear"), "{done:?}");
    let done = Program::new(STARTTLS_PROXY).run(["127.0.0.1:0", "lmtp://localhost"]).await;
    assert!(!done.is_ok && done.err.contains("no TLS is spoken there"), "{done:?}");
}

async fn line(stream: &mut BufReader<TcpStream>) -> String {
    let mut line = String::new();
    soon(stream.read_line(&mut line)).await.unwrap();
    line
}

/// All that is said where a client says `commands`, each when the answer to the one before has begun.
async fn conversation(address: SocketAddr, commands: &str) -> String {
    let mut stream = BufReader::new(TcpStream::connect(address).await.unwrap());
    let mut said = line(&mut stream).await;
    if !commands.is_empty() {
        stream.write_all(commands.as_bytes()).await.unwrap();
    }
    soon(stream.read_to_string(&mut said)).await.unwrap();
    said
}
