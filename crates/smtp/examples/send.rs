//! Sends standard input as a message, over `std::net` and without TLS:
//! `cargo run --example send -- 127.0.0.1:2525 '<ann@a.test>' '<bob@b.test>' < message.eml`.

use std::error::Error;
use std::io::BufRead;
use std::net::TcpStream;

use posthaste_smtp::client::{BodyWriter, Client, Config, Event, Mode, TlsPolicy};
use posthaste_smtp::{Bytes, Envelope, Misuse, Security, Time};

#[path = "common/blocking.rs"]
pub(crate) mod blocking;

pub(crate) type Link = blocking::Link<Client>;

/// Sends one message; prints what becomes of it for each recipient.
pub(crate) fn send(
    stream: TcpStream,
    envelope: Envelope,
    mut message: impl BufRead,
) -> Result<(), Box<dyn Error>> {
    let config = Config::new(Mode::Smtp, "client.test".parse()?).with_tls(TlsPolicy::Off);
    let mut link = Link::new(Client::new(config, Security::Plain, Time::ZERO), stream);
    link.machine.send(envelope)?;
    link.machine.quit();
    let mut unfinished = None;
    while let Some(event) = link.next()? {
        match event {
            Event::Body(writer) => unfinished = write(&mut link, writer, &mut message)?,
            Event::Room(_) => {
                if let Some(writer) = unfinished {
                    unfinished = write(&mut link, writer, &mut message)?;
                }
            }
            Event::Sent(report) => {
                for (number, result) in (1..).zip(&report.recipients) {
                    match result {
                        Ok(reply) => println!("recipient {number}: taken, {reply}"),
                        Err(refusal) => println!("recipient {number}: refused, {refusal}"),
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Writes the content as fast as the server takes it, without reading more of it than is written. Line ends must be
/// CR LF. The writer comes back when the server has to answer before there can be more.
pub(crate) fn write(
    link: &mut Link,
    mut writer: BodyWriter,
    message: &mut impl BufRead,
) -> Result<Option<BodyWriter>, Box<dyn Error>> {
    loop {
        let octets = message.fill_buf()?;
        let count = octets.len().min(64 * 1024);
        if count == 0 {
            writer.finish(&mut link.machine)?;
            return Ok(None);
        }
        let chunk = Bytes::copy_from_slice(octets.get(..count).unwrap_or_default());
        match writer.write(&mut link.machine, chunk) {
            Ok(()) => message.consume(count),
            Err(Misuse::Congested { .. }) => drop(link.flush()?),
            Err(Misuse::Unanswered) => return Ok(Some(writer)),
            Err(misuse) => return Err(misuse.into()),
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let usage = "usage: send ADDRESS '<from>' '<to>'...";
    let mut arguments = std::env::args().skip(1);
    let (address, from) = (arguments.next().ok_or(usage)?, arguments.next().ok_or(usage)?);
    let recipients = arguments.map(|path| path.parse()).collect::<Result<Vec<_>, _>>()?;
    let envelope = Envelope::new(from.parse()?, recipients);
    send(TcpStream::connect(address)?, envelope, std::io::stdin().lock())
}
