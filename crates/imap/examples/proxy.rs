//! A proxy in front of an IMAP server, through which mailboxes can be read and not marked, over `std::net` and without
//! TLS: `cargo run --example proxy -- 127.0.0.1:1144 127.0.0.1:1143`.
//!
//! SELECT becomes EXAMINE, and DELETE is refused here. Everything else passes as it is, whatever it means: a proxy that
//! has to know each extension stands in the way of all new ones. Literals stream and are never held. What it cannot see
//! through, STARTTLS and COMPRESS, is taken out of the capabilities and refused.
//!
//! Built on the codec, without the machines. Who is wrong about where a command ends can be talked into passing
//! anything, so this one follows the server: one command is in progress at a time, the others wait in their
//! connection, and what a `+` invites (a literal, a line of AUTHENTICATE, the end of IDLE) passes only after it. What it
//! relies on is that the server takes `{5+}` at the end of a line for a literal, wherever it stands.

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use posthaste_imap::encode::{self, EncodeContext};
use posthaste_imap::parse::{self, LiteralMarker};
use posthaste_imap::types::{Capability, Condition, ParseContext, Response, ResponseCode, Status, Tag};
use posthaste_imap::{Bytes, BytesMut, Counted, ReceiveBuffer, has_bare_line_end};

/// Why a conversation cannot go on.
type Trouble = Box<dyn Error + Send + Sync>;

type Outcome = Result<(), Trouble>;

/// The longest text between two literals, in octets.
const LINE_MAX: usize = 1 << 20;

/// A side that says nothing for so long is gone (RFC 9051 5.4 asks for 30 minutes).
const SILENCE_MAX: Duration = Duration::from_secs(31 * 60);

/// The commands that go on with lines of their own when they are complete.
const CONTINUED: [&str; 2] = ["AUTHENTICATE", "IDLE"];

/// What the server said, as far as it concerns the command in progress.
enum Signal {
    /// `+`
    Continue,
    /// The command with this tag is done.
    Done(Tag),
}

/// The client's socket for what is said to it: one response at a time.
type ToClient = Arc<Mutex<TcpStream>>;

pub(crate) fn serve(client: TcpStream, server: &str) -> Outcome {
    let server = TcpStream::connect(server)?;
    client.set_read_timeout(Some(SILENCE_MAX))?;
    server.set_read_timeout(Some(SILENCE_MAX))?;
    let to_client = Arc::new(Mutex::new(client.try_clone()?));
    let (signals, heard) = mpsc::channel();
    let responses = Responses { from: Reader::new(server.try_clone()?), to: Arc::clone(&to_client), signals };
    let ending = (client.try_clone()?, server.try_clone()?);
    let down = std::thread::spawn(move || {
        let outcome = responses.run();
        // The other direction notices.
        let _ = ending.0.shutdown(Shutdown::Both);
        let _ = ending.1.shutdown(Shutdown::Both);
        outcome
    });
    let ending = server.try_clone()?;
    let up = Commands { from: Reader::new(client), to: server, to_client, heard }.run();
    // What the server still has to say to a client that has said all it wants passes.
    let _ = ending.shutdown(if up.is_ok() { Shutdown::Write } else { Shutdown::Both });
    let down = down.join().unwrap_or_else(|_| Err("the server's side panicked".into()));
    up.and(down)
}

/// From the client to the server.
struct Commands {
    from: Reader,
    to: TcpStream,
    to_client: ToClient,
    heard: Receiver<Signal>,
}

/// What becomes of a command.
enum Verdict {
    /// It passes in this form.
    Pass(Bytes),
    /// It is refused here.
    Refuse(&'static str),
}

impl Commands {
    fn run(mut self) -> Outcome {
        while let Some(line) = self.line()? {
            let Ok((tag, name)) = parse::command::name(&line, &ParseContext::server()) else {
                // Whatever that is, the server's answer to it would have no tag to wait for.
                lock(&self.to_client).write_all(b"* BAD Not a command\r\n")?;
                self.skip(&line)?;
                continue;
            };
            match verdict(&line, name.as_str()) {
                Verdict::Pass(line) => self.pass(&tag, name.as_str(), line)?,
                Verdict::Refuse(text) => {
                    let status = Status {
                        condition: Condition::No,
                        code: Some(ResponseCode::Cannot),
                        text: Bytes::from_static(text.as_bytes()),
                    };
                    let mut out = BytesMut::new();
                    encode::response::tagged(&mut out, &tag, &status, EncodeContext::default());
                    lock(&self.to_client).write_all(&out)?;
                    self.skip(&line)?;
                }
            }
        }
        Ok(())
    }

    /// A line of the client's. What others may take for a line end must not hide in it.
    fn line(&mut self) -> Result<Option<Bytes>, Trouble> {
        let line = self.from.line()?;
        if line.as_ref().is_some_and(|line| has_bare_line_end(line)) {
            return Err("a CR or LF alone in a command".into());
        }
        Ok(line)
    }

    /// Passes a command on, and what belongs to it, until the server says that it is done.
    fn pass(&mut self, tag: &Tag, name: &str, mut line: Bytes) -> Outcome {
        loop {
            write_line(&mut self.to, &line)?;
            let LiteralMarker::Literal(header) = parse::literal_marker(&line) else { break };
            if header.synchronising && self.is_done(tag)? {
                // Refused: the client keeps the literal for itself.
                return Ok(());
            }
            self.from.literal(header.len, Some(&mut self.to))?;
            line = self.line()?.ok_or("the client left within a command")?;
        }
        while !self.is_done(tag)? {
            // Of all others a `+` means nothing here: what comes next is a command.
            if !CONTINUED.iter().any(|continued| name.eq_ignore_ascii_case(continued)) {
                continue;
            }
            let Some(line) = self.line()? else { return Ok(()) };
            write_line(&mut self.to, &line)?;
        }
        Ok(())
    }

    /// Waits for the server: whether the command is done, or more of it may come.
    fn is_done(&self, tag: &Tag) -> Result<bool, Trouble> {
        loop {
            match self.heard.recv().map_err(|_| "the server closed the connection")? {
                Signal::Continue => return Ok(false),
                Signal::Done(done) if done == *tag => return Ok(true),
                Signal::Done(_) => {}
            }
        }
    }

    /// Reads what belongs to a refused command and cannot be held back.
    fn skip(&mut self, line: &Bytes) -> Outcome {
        let mut line = line.clone();
        while let LiteralMarker::Literal(header) = parse::literal_marker(&line) {
            if header.synchronising {
                break;
            }
            self.from.literal(header.len, None)?;
            line = self.line()?.ok_or("the client left within a command")?;
        }
        Ok(())
    }
}

/// The rules of this proxy; `line` is the command up to its first literal or its end.
fn verdict(line: &Bytes, name: &str) -> Verdict {
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    if is("SELECT") {
        let words = line.splitn(3, |octet| *octet == b' ');
        let words = words.enumerate().map(|(at, word)| if at == 1 { b"EXAMINE" } else { word });
        let words: Vec<&[u8]> = words.collect();
        return Verdict::Pass(words.join(&b' ').into());
    }
    if is("DELETE") {
        return Verdict::Refuse("Mailboxes are not deleted here");
    }
    if is("STARTTLS") || is("COMPRESS") {
        return Verdict::Refuse("Not through this proxy");
    }
    Verdict::Pass(line.clone())
}

/// From the server to the client.
struct Responses {
    from: Reader,
    to: ToClient,
    signals: Sender<Signal>,
}

impl Responses {
    fn run(mut self) -> Outcome {
        while let Some(line) = self.from.line()? {
            let line = censored(line);
            // A response is not interrupted by what the other direction has to say.
            let mut to = lock(&self.to);
            write_line(&mut to, &line)?;
            let signal = match line.split(|octet| *octet == b' ').next().unwrap_or_default() {
                b"*" => {
                    pass_literals(&mut self.from, line, &mut to)?;
                    continue;
                }
                b"+" => Signal::Continue,
                tag => Signal::Done(Tag::new(tag.to_vec())?),
            };
            drop(to);
            // Nobody listens when the client has left.
            let _ = self.signals.send(signal);
        }
        Ok(())
    }
}

/// Passes what belongs to untagged data whose first text was `line`: literals, and the text behind each.
fn pass_literals(from: &mut Reader, mut line: Bytes, to: &mut TcpStream) -> Outcome {
    // What is for people may end in anything.
    let word = line.split(|octet| *octet == b' ').nth(1).unwrap_or_default().to_ascii_uppercase();
    if matches!(word.as_slice(), b"OK" | b"NO" | b"BAD" | b"BYE" | b"PREAUTH") {
        return Ok(());
    }
    while let LiteralMarker::Literal(header) = parse::literal_marker(&line) {
        from.literal(header.len, Some(to))?;
        line = from.line()?.ok_or("the server left within a response")?;
        write_line(to, &line)?;
    }
    Ok(())
}

/// The line without the capabilities that do not work through a proxy; every other line as it is.
fn censored(line: Bytes) -> Bytes {
    let Ok(parsed) = parse::response(&line, &ParseContext::client()) else { return line };
    let mut response = parsed.response;
    let capabilities = match &mut response {
        Response::Capability(capabilities)
        | Response::Untagged(Status { code: Some(ResponseCode::Capability(capabilities)), .. })
        | Response::Tagged(_, Status { code: Some(ResponseCode::Capability(capabilities)), .. }) => {
            capabilities
        }
        _ => return line,
    };
    capabilities
        .retain(|capability| !matches!(capability, Capability::StartTls | Capability::CompressDeflate));
    let mut out = BytesMut::new();
    encode::response(&mut out, &response, EncodeContext::default());
    out.freeze().strip_suffix(b"\r\n").map_or(line, Bytes::copy_from_slice)
}

/// One socket, read by lines and literals.
struct Reader {
    stream: TcpStream,
    buffer: ReceiveBuffer,
}

impl Reader {
    fn new(stream: TcpStream) -> Self {
        Self { stream, buffer: ReceiveBuffer::new() }
    }

    /// The text up to the next CR LF, without it; `None` where the stream ends instead.
    fn line(&mut self) -> Result<Option<Bytes>, Trouble> {
        loop {
            if let Some(line) = self.buffer.line(LINE_MAX)? {
                return Ok(Some(line));
            }
            if !self.fill()? {
                return if self.buffer.is_empty() { Ok(None) } else { Err("cut inside a line".into()) };
            }
        }
    }

    /// Passes so many octets on as they come in, or drops them.
    fn literal(&mut self, length: u64, mut to: Option<&mut TcpStream>) -> Outcome {
        let mut literal = Counted::new(length);
        loop {
            let chunk = literal.read(&mut self.buffer);
            if let Some(to) = &mut to {
                to.write_all(&chunk)?;
            }
            if literal.is_done() {
                return Ok(());
            }
            if chunk.is_empty() && !self.fill()? {
                return Err("cut inside a literal".into());
            }
        }
    }

    fn fill(&mut self) -> io::Result<bool> {
        let mut octets = [0; 16 * 1024];
        let count = self.stream.read(&mut octets)?;
        self.buffer.push(octets.get(..count).unwrap_or_default());
        Ok(count > 0)
    }
}

fn write_line(to: &mut TcpStream, line: &[u8]) -> io::Result<()> {
    to.write_all(&[line, b"\r\n"].concat())
}

fn lock(to: &Mutex<TcpStream>) -> MutexGuard<'_, TcpStream> {
    to.lock().unwrap_or_else(PoisonError::into_inner)
}

fn main() -> Outcome {
    let usage = "usage: proxy LISTEN SERVER";
    let mut arguments = std::env::args().skip(1);
    let (listen, server) = (arguments.next().ok_or(usage)?, arguments.next().ok_or(usage)?);
    for stream in TcpListener::bind(listen)?.incoming() {
        let (stream, server) = (stream?, server.clone());
        std::thread::spawn(move || {
            serve(stream, &server).unwrap_or_else(|error| eprintln!("session ended: {error}"));
        });
    }
    Ok(())
}
