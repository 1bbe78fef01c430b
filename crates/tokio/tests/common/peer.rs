//! Servers of SMTP for the tests of clients: the machine with a store behind it, and one that follows a script. Pipes
//! that are cut.

use std::sync::{Arc, Mutex};

use posthaste_smtp::Rejection;
use posthaste_smtp::server::{Config, Event, Server};
use posthaste_tokio::{Connection, Role, Security, Time};
use tokio::io::{
    AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, DuplexStream,
};

/// What a server has taken.
pub type Store = Arc<Mutex<Vec<Vec<u8>>>>;

/// Takes messages for everybody whose name does not begin with `no`, one by one of LMTP for those that do not begin
/// with `late`, and keeps them.
pub async fn mail_server(stream: DuplexStream, config: Config, store: Store) {
    let machine = Server::new(config, Security::Plain, Time::ZERO);
    let mut connection = Connection::new(machine, stream, Role::Server { tls: None });
    let mut content = Vec::new();
    while let Ok(Some(event)) = connection.next().await {
        let server = connection.machine();
        match event {
            Event::Mail(mail) => mail.accept(server).unwrap(),
            Event::Rcpt(rcpt) if rcpt.to().to_string().starts_with("<no") => {
                rcpt.reject(server, Rejection::no_such_user()).unwrap();
            }
            Event::Rcpt(rcpt) => rcpt.accept(server).unwrap(),
            Event::Data(data) => data.accept(server).unwrap(),
            Event::Body(chunk) => content.extend_from_slice(&chunk),
            Event::BodyEnd(end) => {
                store.lock().unwrap().push(std::mem::take(&mut content));
                end.accept(server).unwrap();
            }
            Event::BodyAborted(_) => content.clear(),
            _ => {}
        }
    }
}

/// Answers each line that begins with the next word of the script with what stands beside it, and is silent about
/// all others, and at the end of the script. Gives back the lines that came.
pub async fn follow(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    greeting: &str,
    script: &[(&str, &str)],
) -> Vec<String> {
    let mut stream = BufReader::new(stream);
    stream.write_all(greeting.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    let mut script = script.iter().peekable();
    let mut lines = Vec::new();
    let mut octets = Vec::new();
    while matches!(stream.read_until(b'\n', &mut octets).await, Ok(1..)) {
        let line = String::from_utf8_lossy(&std::mem::take(&mut octets)).into_owned();
        if let Some((_, answer)) = script.next_if(|(word, _)| line.starts_with(word)) {
            if stream.write_all(answer.as_bytes()).await.is_err() || stream.flush().await.is_err() {
                break;
            }
        }
        lines.push(line);
    }
    lines
}

/// Carries octets between two sides until one of them has sent so many, or closes.
pub async fn carry(near: DuplexStream, far: DuplexStream, near_max: u64, far_max: u64) {
    let (near_read, mut near_write) = tokio::io::split(near);
    let (far_read, mut far_write) = tokio::io::split(far);
    let (mut near_read, mut far_read) = (near_read.take(near_max), far_read.take(far_max));
    tokio::select! {
        _ = tokio::io::copy(&mut near_read, &mut far_write) => {}
        _ = tokio::io::copy(&mut far_read, &mut near_write) => {}
    }
}

/// Sends one octet a minute.
pub async fn drip(mut stream: impl AsyncWrite + Unpin, octets: &[u8]) {
    for octet in octets {
        tokio::time::sleep(std::time::Duration::from_secs(60)).await;
        if stream.write_all(&[*octet]).await.is_err() || stream.flush().await.is_err() {
            return;
        }
    }
}
