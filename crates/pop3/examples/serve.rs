//! A server with one maildrop, read from files, over `std::net` and without TLS:
//! `cargo run --example serve -- 127.0.0.1:1100 one.eml two.eml`. Every name and password is right, and nothing is ever
//! removed: for tests of clients.

use std::error::Error;
use std::net::{TcpListener, TcpStream};

use posthaste_pop3::server::{AuthPrivacy, BodyWriter, Config, Event, Listed, Maildrop, SentSize, Server};
use posthaste_pop3::{Bytes, Misuse, Security, Time, Uidl};

#[path = "common/blocking.rs"]
pub(crate) mod blocking;

type Link = blocking::Link<Server>;

/// One session over the messages, which are given with their names.
pub(crate) fn serve(stream: TcpStream, messages: &[(Uidl, Bytes)]) -> Result<(), Box<dyn Error>> {
    let mut config = Config::default();
    config.auth_requires_tls = AuthPrivacy::NotRequired;
    let mut link = Link::new(Server::new(config, Security::Plain, Time::ZERO), stream);
    let content = |index: usize| messages.get(index).map(|(_, content)| content.clone()).unwrap_or_default();
    while let Some(event) = link.next()? {
        match event {
            Event::Login(login) => {
                let listed = |(uidl, content): &(Uidl, Bytes)| Listed { size: size(content), uidl: *uidl };
                let maildrop = Maildrop::new(messages.iter().map(listed).collect())?;
                login.accept(&mut link.machine, maildrop)?;
            }
            Event::Retr(retr) => {
                let content = content(retr.index());
                let writer = retr.open(&mut link.machine)?;
                write(&mut link, writer, content)?;
            }
            Event::Top(top) => {
                let content = content(top.index());
                let writer = top.open(&mut link.machine)?;
                write(&mut link, writer, content)?;
            }
            Event::Quit(quit) if quit.deleted().is_empty() => quit.done(&mut link.machine)?,
            Event::Quit(quit) => quit.failed(&mut link.machine)?,
            _ => {}
        }
    }
    Ok(())
}

/// Writes a message as fast as the client takes it.
fn write(link: &mut Link, mut writer: BodyWriter, mut content: Bytes) -> Result<(), Box<dyn Error>> {
    while !content.is_empty() && !writer.is_satisfied() {
        let chunk = content.split_to(content.len().min(16 * 1024));
        while let Err(misuse) = writer.write(&mut link.machine, chunk.clone()) {
            match misuse {
                Misuse::Congested { .. } => link.flush()?,
                misuse => return Err(misuse.into()),
            };
        }
    }
    Ok(writer.finish(&mut link.machine)?)
}

/// What RETR will send: every line end, whatever it is in the file, as CR LF.
fn size(content: &[u8]) -> u64 {
    let mut size = SentSize::new();
    size.add(content);
    size.octets()
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().ok_or("usage: serve ADDRESS FILE...")?;
    let mut messages = Vec::new();
    for (number, file) in arguments.enumerate() {
        messages.push((Uidl::new(&format!("message-{number}"))?, Bytes::from(std::fs::read(file)?)));
    }
    for stream in TcpListener::bind(address)?.incoming() {
        let (stream, messages) = (stream?, messages.clone());
        std::thread::spawn(move || {
            serve(stream, &messages).unwrap_or_else(|error| eprintln!("session ended: {error}"));
        });
    }
    Ok(())
}
