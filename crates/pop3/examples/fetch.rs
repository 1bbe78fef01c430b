//! Fetches what is new from a maildrop and leaves it there, over `std::net` and without TLS:
//! `cargo run --example fetch -- 127.0.0.1:1100 ann secret seen.txt`. Messages are printed; what was printed is remembered
//! in the file.

use std::error::Error;
use std::fs;
use std::io::{ErrorKind, Write};
use std::net::TcpStream;

use posthaste_pop3::client::{Client, Config, Event, Seen, TlsPolicy};
use posthaste_pop3::{Secret, Security, Time, Uidl};

#[path = "common/blocking.rs"]
pub(crate) mod blocking;

type Link = blocking::Link<Client>;

/// Writes what is not in `seen` to `to`, and remembers it. How many messages that were.
pub(crate) fn fetch(
    stream: TcpStream,
    user: &str,
    password: &str,
    seen: &mut Seen,
    to: &mut impl Write,
) -> Result<usize, Box<dyn Error>> {
    let mut config = Config::default();
    config.tls = TlsPolicy::Off;
    let mut link = Link::new(Client::new(config, Security::Plain, Time::ZERO), stream);
    link.machine.login(user, Secret::from(password))?;
    while !matches!(next(&mut link)?, Event::Reply { .. }) {}

    link.machine.uidl()?;
    let mut comparison = seen.compare();
    loop {
        match next(&mut link)? {
            Event::Uidl { number, uidl, .. } => comparison.row(number, uidl),
            Event::ListEnd { .. } => break,
            _ => {}
        }
    }
    let changes = comparison.finish();
    seen.forget(&changes.gone);

    // Asked for together, sent ahead where the server takes that; the answers come in this order.
    for (number, _) in &changes.new {
        link.machine.retr(*number)?;
    }
    for (_, uidl) in &changes.new {
        loop {
            match next(&mut link)? {
                Event::Body { chunk, .. } => to.write_all(&chunk)?,
                Event::BodyEnd { .. } => break,
                _ => {}
            }
        }
        // Only what is stored is known.
        to.flush()?;
        seen.extend([*uidl]);
    }
    link.machine.quit()?;
    while link.next()?.is_some() {}
    Ok(changes.new.len())
}

/// The next event that is no refusal, as none is expected here.
fn next(link: &mut Link) -> Result<Event, Box<dyn Error>> {
    match link.next()?.ok_or("the server closed the connection")? {
        Event::Reply { reply, .. } | Event::Unavailable { greeting: reply } if !reply.is_ok() => {
            Err(format!("refused: {}", reply.text().escape_ascii()).into())
        }
        Event::BodyAborted { .. } => Err("the connection was cut inside a message".into()),
        Event::NotSent { reason, .. } => Err(format!("the server does not offer it: {reason:?}").into()),
        event => Ok(event),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, user, password, file] = arguments.as_slice() else {
        return Err("usage: fetch ADDRESS USER PASSWORD FILE".into());
    };
    let known = match fs::read_to_string(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        known => known?,
    };
    let mut seen = known.lines().map(Uidl::new).collect::<Result<Seen, _>>()?;
    let fetched =
        fetch(TcpStream::connect(address)?, user, password, &mut seen, &mut std::io::stdout().lock());
    // Also when it failed on the way: what came before is printed already.
    fs::write(file, seen.iter().map(|uidl| format!("{uidl}\n")).collect::<String>())?;
    eprintln!("{} messages", fetched?);
    Ok(())
}
