//! A server that takes every message and prints it: `cargo run --example sink -- 127.0.0.1:2525`.

use std::error::Error;
use std::net::{TcpListener, TcpStream};

use posthaste_smtp::server::{Config, Event, Mode, Server};
use posthaste_smtp::{Security, Time};

#[path = "common/blocking.rs"]
mod blocking;

/// One session: every question is answered with yes.
pub(crate) fn serve(stream: TcpStream) -> Result<(), Box<dyn Error>> {
    let config = Config::new(Mode::Mta, "sink.test".parse()?);
    let mut link = blocking::Link::new(Server::new(config, Security::Plain, Time::ZERO), stream);
    let mut message = Vec::new();
    while let Some(event) = link.next()? {
        match event {
            Event::Mail(mail) => mail.accept(&mut link.machine)?,
            Event::Rcpt(rcpt) => rcpt.accept(&mut link.machine)?,
            Event::Data(data) => data.accept(&mut link.machine)?,
            Event::Body(chunk) => message.extend_from_slice(&chunk),
            Event::BodyEnd(end) => {
                println!("from {}\n{}", end.transaction().from(), String::from_utf8_lossy(&message));
                message.clear();
                end.accept(&mut link.machine)?;
            }
            Event::BodyAborted(_) => message.clear(),
            _ => {}
        }
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:2525".into());
    for stream in TcpListener::bind(address)?.incoming() {
        let stream = stream?;
        std::thread::spawn(|| serve(stream).unwrap_or_else(|error| eprintln!("session ended: {error}")));
    }
    Ok(())
}
