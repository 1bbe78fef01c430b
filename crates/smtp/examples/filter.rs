//! A filter between a queue and a mail server: a server machine in front of a client machine, streaming, in
//! bounded memory. `cargo run --example filter -- 127.0.0.1:10024 127.0.0.1:25`.
//!
//! In front it speaks LMTP, whose answer at the end is one for each recipient: so what the mail server says of
//! each recipient goes back as it is, and nothing has to be kept here. A message that holds the forbidden line is
//! cut off behind and refused in front; no part of it reaches anybody, because half a message cannot be ended.

use std::error::Error;
use std::net::{TcpListener, TcpStream};

use posthaste_smtp::client::{self, BodyWriter, Client, Report, TlsPolicy};
use posthaste_smtp::server::{self, Server};
use posthaste_smtp::{Bytes, Envelope, Misuse, Rejection, Security, Time, Transaction};

#[path = "common/blocking.rs"]
mod blocking;

/// No message with this in it passes.
const FORBIDDEN: &[u8] = b"\r\nX-Filter-Test: refuse\r\n";

/// Where one message goes while it comes in.
enum Behind {
    /// To the mail server.
    Open(Box<Open>),
    /// Nowhere; the answer is known.
    Decided(Rejection),
}

/// A message on its way.
struct Open {
    link: blocking::Link<Client>,
    writer: BodyWriter,
    /// What was seen last: the forbidden line may have begun there.
    tail: Vec<u8>,
}

pub(crate) fn serve(front: TcpStream, server: &str) -> Result<(), Box<dyn Error>> {
    let config = server::Config::new(server::Mode::Lmtp, "filter.test".parse()?);
    let mut front = blocking::Link::new(Server::new(config, Security::Local, Time::ZERO), front);
    let mut behind = None;
    while let Some(event) = front.next()? {
        match event {
            server::Event::Mail(mail) => mail.accept(&mut front.machine)?,
            server::Event::Rcpt(rcpt) => rcpt.accept(&mut front.machine)?,
            server::Event::Data(data) => match open(server, data.transaction()) {
                Ok(opened) => {
                    behind = Some(opened);
                    data.accept(&mut front.machine)?;
                }
                Err(error) => {
                    eprintln!("mail server not reached: {error}");
                    data.reject(&mut front.machine, Rejection::try_later())?;
                }
            },
            server::Event::Body(chunk) => behind = behind.map(|behind| pass(behind, &chunk)),
            server::Event::BodyEnd(end) => match behind.take().map(finish) {
                Some(Ok(report)) => end.finish(
                    &mut front.machine,
                    report.recipients.into_iter().map(|result| result.map(|_| ()).map_err(Rejection::from)),
                )?,
                Some(Err(rejection)) => end.reject(&mut front.machine, rejection)?,
                None => end.reject(&mut front.machine, Rejection::try_later())?,
            },
            server::Event::BodyAborted(_) => behind = None,
            _ => {}
        }
    }
    Ok(())
}

/// Goes as far as the mail server's permission to send the content.
fn open(server: &str, transaction: &Transaction) -> Result<Behind, Box<dyn Error>> {
    let config = client::Config::new(client::Mode::Smtp, "filter.test".parse()?)
        .with_tls(TlsPolicy::Off)
        .with_chunking(client::Chunking::Never); // DATA: written without a look at the server
    let machine = Client::new(config, Security::Plain, Time::ZERO);
    let mut link = blocking::Link::new(machine, TcpStream::connect(server)?);
    let body = transaction.parameters().body.unwrap_or_default();
    let recipients = transaction.recipients().to_vec();
    link.machine.send(Envelope::new(transaction.from().clone(), recipients).with_body(body))?;
    while let Some(event) = link.next()? {
        match event {
            client::Event::Body(writer) => {
                return Ok(Behind::Open(Box::new(Open { link, writer, tail: b"\r\n".into() })));
            }
            client::Event::Sent(report) => {
                let refused = report.recipients.into_iter().find_map(Result::err);
                return Ok(Behind::Decided(refused.map_or_else(Rejection::try_later, Rejection::from)));
            }
            _ => {}
        }
    }
    Err("the mail server closed the connection".into())
}

/// Looks at a chunk and sends it on.
fn pass(behind: Behind, chunk: &Bytes) -> Behind {
    let Behind::Open(mut open) = behind else { return behind };
    let Open { link, writer, tail } = &mut *open;
    tail.extend_from_slice(chunk);
    if tail.windows(FORBIDDEN.len()).any(|octets| octets == FORBIDDEN) {
        let Open { mut link, writer, .. } = *open;
        return Behind::Decided(match writer.abort(&mut link.machine) {
            Ok(()) => Rejection::denied(),
            Err(_) => Rejection::try_later(),
        });
    }
    tail.drain(..tail.len().saturating_sub(FORBIDDEN.len()));
    loop {
        match writer.write(&mut link.machine, chunk.clone()) {
            Ok(()) => return Behind::Open(open),
            Err(Misuse::Congested { .. }) if link.flush().is_ok() => {}
            Err(_) => return Behind::Decided(Rejection::try_later()),
        }
    }
}

/// Ends the message and hears what the mail server says.
fn finish(behind: Behind) -> Result<Report, Rejection> {
    let Open { mut link, writer, .. } = match behind {
        Behind::Open(open) => *open,
        Behind::Decided(rejection) => return Err(rejection),
    };
    writer.finish(&mut link.machine).map_err(|_| Rejection::try_later())?;
    link.machine.quit();
    let mut report = None;
    // An error behind the report changes nothing about it.
    while let Ok(Some(event)) = link.next() {
        if let client::Event::Sent(sent) = event {
            report = Some(sent);
        }
    }
    report.ok_or_else(Rejection::try_later)
}

fn main() -> Result<(), Box<dyn Error>> {
    let usage = "usage: filter LISTEN SERVER";
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
