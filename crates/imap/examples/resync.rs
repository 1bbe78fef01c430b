//! Prints what has changed in a mailbox since the last run, over `std::net` and without TLS:
//! `IMAP_PASSWORD=secret cargo run --example resync -- 127.0.0.1:1143 ann INBOX inbox.state`. What is known stands in the
//! file: UIDVALIDITY, HIGHESTMODSEQ and the UIDs. With QRESYNC one command tells all; with CONDSTORE two; without them
//! the UIDs and flags of all messages are read.

use std::error::Error;
use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::path::Path;
use std::{fs, io};

use posthaste_imap::client::{
    AuthPrivacy, Change, Client, Config, Counted, Event, Known, Method, Outcome, Resync, TlsPolicy,
};
use posthaste_imap::types::{Condition, Flags, Mailbox};
use posthaste_imap::{Secret, Security, Time};

#[path = "common/blocking.rs"]
mod blocking;

type Link = blocking::Link<Client>;

/// Logs in, prints what is not as it is known, and gives what is known now.
pub(crate) fn resync(
    stream: TcpStream,
    user: &str,
    password: Secret,
    mailbox: &str,
    known: Option<Known>,
    out: &mut impl Write,
) -> Result<(Known, Method), Box<dyn Error>> {
    let mut config = Config::default();
    (config.tls, config.auth_requires_tls) = (TlsPolicy::Off, AuthPrivacy::NotRequired);
    let mut link = Link::new(Client::new(config, Security::Plain, Time::ZERO), stream);
    while !matches!(next(&mut link)?, Event::Ready) {}
    let login = link.machine.login(user, password)?;
    loop {
        match next(&mut link)? {
            Event::Done { id, status } if id == login && status.condition == Condition::Ok => break,
            Event::Done { status, .. } => return Err(refused(&status.text)),
            _ => {}
        }
    }
    // The first time nothing is new, as everything is.
    let is_first = known.is_none();
    let mut resync = Resync::new(&link.machine, Mailbox::new(mailbox)?, known);
    let outcome = loop {
        if let Some(outcome) = resync.outcome() {
            break outcome.clone();
        }
        resync.run(&mut link.machine)?;
        let event = next(&mut link)?;
        for change in resync.observe(&link.machine, &event) {
            if !is_first {
                print(&change, out)?;
            }
        }
    };
    link.machine.logout()?;
    while link.next()?.is_some() {}
    match outcome {
        Outcome::Done { known, method, counted: Counted::Right } => Ok((known, method)),
        Outcome::Done { counted: Counted::Wrong, .. } => Err("somebody else is changing the mailbox".into()),
        Outcome::Refused(status) => Err(refused(&status.text)),
        outcome => Err(format!("not up to date: {outcome:?}").into()),
    }
}

fn next(link: &mut Link) -> Result<Event, Box<dyn Error>> {
    match link.next()?.ok_or("the server closed the connection")? {
        Event::Bye(status) => Err(refused(&status.text)),
        event => Ok(event),
    }
}

fn refused(text: &[u8]) -> Box<dyn Error> {
    format!("refused: {}", text.escape_ascii()).into()
}

fn print(change: &Change, out: &mut impl Write) -> io::Result<()> {
    let names = |flags: &Flags| flags.iter().map(|flag| format!(" {flag}")).collect::<String>();
    match change {
        Change::StartOver => writeln!(out, "! the mailbox is another one"),
        Change::New { uid, flags, .. } => writeln!(out, "+ {uid}{}", names(flags)),
        Change::Flags { uid, flags, .. } => writeln!(out, "= {uid}{}", names(flags)),
        Change::Gone(uids) => writeln!(out, "- {uids}"),
    }
}

/// Reads what was known at the end of the last run; `None` when there was none.
pub(crate) fn load(file: &Path) -> Result<Option<Known>, Box<dyn Error>> {
    let text = match fs::read_to_string(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        text => text?,
    };
    let mut lines = text.lines();
    let mut line = || lines.next().ok_or("the state file is cut short");
    let uid_validity = line()?.parse()?;
    // Zero is none (RFC 7162).
    let highest_mod_seq = Some(line()?.parse()?).filter(|mod_seq| *mod_seq > 0);
    Ok(Some(Known { uid_validity, highest_mod_seq, uids: line()?.parse()? }))
}

/// Writes it down: all of it or nothing.
pub(crate) fn save(file: &Path, known: &Known) -> io::Result<()> {
    let Known { uid_validity, highest_mod_seq, uids } = known;
    let new = file.with_extension("new");
    fs::write(&new, format!("{uid_validity}\n{}\n{uids}\n", highest_mod_seq.unwrap_or_default()))?;
    fs::rename(new, file)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, user, mailbox, file] = arguments.as_slice() else {
        return Err("usage: resync ADDRESS USER MAILBOX FILE".into());
    };
    let password = match std::env::var("IMAP_PASSWORD") {
        Ok(password) => password,
        Err(_) => io::stdin().lines().next().ok_or("no password")??,
    };
    let password = Secret::new(password.into_bytes());
    let known = load(Path::new(file))?;
    let stream = TcpStream::connect(address)?;
    let (known, method) = resync(stream, user, password, mailbox, known, &mut io::stdout().lock())?;
    save(Path::new(file), &known)?;
    eprintln!("{} messages, found by {method:?}", known.uids.len());
    Ok(())
}
