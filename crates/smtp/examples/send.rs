//! Sends standard input as a message, over `std::net` and without TLS:
//! `cargo run --example send -- 127.0.0.1:2525 '<ann@a.test>' '<bob@b.test>' < message.eml`.

use std::error::Error;
use std::io::Read;
use std::net::TcpStream;

use posthaste_smtp::client::{BodyWriter, Chunking, Client, Config, Event, Mode, TlsPolicy};
use posthaste_smtp::{Bytes, Envelope, Misuse, Security, Time};

#[path = "common/blocking.rs"]
pub(crate) mod blocking;

pub(crate) type Link = blocking::Link<Client>;

/// Sends one message; prints what becomes of it for each recipient.
pub(crate) fn send(stream: TcpStream, envelope: Envelope, message: impl Read) -> Result<(), Box<dyn Error>> {
    let config = Config::new(Mode::Smtp, "client.test".parse()?)
        .with_tls(TlsPolicy::Off)
        .with_chunking(Chunking::Never); // DATA: written without a look at the server
    let mut link = Link::new(Client::new(config, Security::Plain, Time::ZERO), stream);
    link.machine.send(envelope)?;
    link.machine.quit();
    let mut message = Some(message);
    while let Some(event) = link.next()? {
        match (event, message.take()) {
            (Event::Body(writer), Some(message)) => write(&mut link, writer, message)?,
            (Event::Sent(report), _) => {
                for (number, result) in (1..).zip(&report.recipients) {
                    match result {
                        Ok(reply) => println!("recipient {number}: taken, {reply}"),
                        Err(rejection) => println!("recipient {number}: refused, {rejection}"),
                    }
                }
            }
            (_, untouched) => message = untouched,
        }
    }
    Ok(())
}

/// Writes the content as fast as the server takes it. Line ends must be CR LF.
pub(crate) fn write(
    link: &mut Link,
    mut writer: BodyWriter,
    mut message: impl Read,
) -> Result<(), Box<dyn Error>> {
    let mut buffer = [0; 16 * 1024];
    loop {
        let count = message.read(&mut buffer)?;
        if count == 0 {
            return Ok(writer.finish(&mut link.machine)?);
        }
        let chunk = Bytes::copy_from_slice(buffer.get(..count).unwrap_or_default());
        while let Err(misuse) = writer.write(&mut link.machine, chunk.clone()) {
            match misuse {
                Misuse::Congested { .. } => link.flush()?,
                misuse => return Err(misuse.into()),
            };
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
