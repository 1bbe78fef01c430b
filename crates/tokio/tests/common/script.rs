//! A server of IMAP that knows one conversation.

use posthaste_tokio::imap::Client;
use posthaste_tokio::{ClientOptions, Protocol, Stream, TlsMode};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream, duplex};
use tokio::task::JoinHandle;

/// Reads a command with its literals, and asks for those that wait. Gives its tag and all of the rest; what is there
/// of it where the client is gone, or where a literal is refused.
pub async fn command(near: &mut BufReader<DuplexStream>, answer: &str) -> Option<(String, String)> {
    let mut all = String::new();
    loop {
        let from = all.len();
        if near.read_line(&mut all).await.unwrap() == 0 {
            return None;
        }
        let line = all[from..].trim_end_matches("\r\n");
        let literal = line.strip_suffix('}').and_then(|line| line.rsplit_once('{'));
        let octets = literal.and_then(|(_, length)| length.parse().ok());
        let is_refused = answer.starts_with("REFUSE") && all.matches('{').count() == 2;
        match octets.filter(|_| !is_refused) {
            Some(octets) => {
                near.write_all(b"+ go\r\n").await.unwrap();
                let mut literal = vec![0_u8; octets];
                if near.read_exact(&mut literal).await.is_err() {
                    return None;
                }
                all += std::str::from_utf8(&literal).unwrap();
            }
            None => {
                let (tag, rest) = all.split_once(' ').unwrap();
                return Some((tag.to_owned(), rest.trim_end_matches("\r\n").to_owned()));
            }
        }
    }
}

/// A client that is logged in, and a server that knows one conversation: commands and what they are answered with, to
/// which the tagged OK is added where none is written. `@` stands for the tag.
pub async fn talk(
    capabilities: &str,
    script: &'static [(&'static str, &'static str)],
) -> (Client, JoinHandle<Vec<String>>) {
    let (near, far) = duplex(64 * 1024);
    let greeting = format!("* PREAUTH [CAPABILITY IMAP4rev1 {capabilities}] hello\r\n");
    let server = tokio::spawn(async move {
        let mut near = BufReader::new(near);
        near.write_all(greeting.as_bytes()).await.unwrap();
        let mut odd = Vec::new();
        for (expected, answer) in script {
            let Some((tag, rest)) = command(&mut near, answer).await else {
                odd.push(format!("nothing in place of {expected:?}"));
                break;
            };
            if rest != *expected {
                odd.push(format!("{rest:?} in place of {expected:?}"));
            }
            let mut answer = answer.trim_start_matches("REFUSE ").to_owned();
            if !answer.lines().any(|line| line.starts_with('@')) {
                answer += "@ OK done\r\n";
            }
            let answer = answer.replace('@', &tag);
            near.write_all(answer.as_bytes()).await.unwrap();
        }
        let mut line = String::new();
        while near.read_line(&mut line).await.unwrap() > 0 && !line.ends_with(" LOGOUT\r\n") {
            odd.push(std::mem::take(&mut line));
        }
        odd
    });
    let endpoint = super::endpoint(Protocol::Imap, TlsMode::Plain);
    let client = Client::over(Stream::local(far), &endpoint, &ClientOptions::default()).await.unwrap();
    (client, server)
}

/// The server heard what it expected, and nothing else.
pub async fn heard(client: Client, server: JoinHandle<Vec<String>>) {
    let bound = std::time::Duration::from_secs(3600);
    let ended = tokio::time::timeout(bound, async { tokio::join!(client.logout(), server) });
    let (_, odd) = ended.await.expect("the session does not end");
    assert_eq!(odd.unwrap(), Vec::<String>::new());
}
