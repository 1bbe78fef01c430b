//! Lists the newest messages of a mailbox and prints one of them, over `std::net` and without TLS:
//! `IMAP_PASSWORD=secret cargo run --example read -- 127.0.0.1:1143 ann INBOX 10` prints a table, and with a UID from it
//! at the end the message, as it comes in, whatever its length. Without `IMAP_PASSWORD` the password is the first line
//! of standard input. Nothing changes in the mailbox, not even what is marked as seen.

use std::error::Error;
use std::io::{self, Write};
use std::net::TcpStream;
use std::num::NonZeroU32;

use posthaste_imap::charset::decode_words;
use posthaste_imap::client::{AuthPrivacy, Client, CommandId, Config, Event, TlsPolicy};
use posthaste_imap::types::{
    Condition, Envelope, FetchAttribute, FetchItem, Flag, Mailbox, Section, SequenceRange, SequenceSet,
    Status,
};
use posthaste_imap::{Secret, Security, Time};

#[path = "common/blocking.rs"]
mod blocking;

pub(crate) type Link = blocking::Link<Client>;

/// What is shown of a message.
#[derive(Default)]
struct Row {
    uid: u32,
    seen: bool,
    size: u64,
    envelope: Option<Box<Envelope>>,
}

/// A connection with the mailbox opened for reading.
pub(crate) fn open(
    stream: TcpStream,
    user: &str,
    password: Secret,
    mailbox: &str,
) -> Result<Link, Box<dyn Error>> {
    let mut config = Config::default();
    (config.tls, config.auth_requires_tls) = (TlsPolicy::Off, AuthPrivacy::NotRequired);
    let mut link = Link::new(Client::new(config, Security::Plain, Time::ZERO), stream);
    while !matches!(link.next()?.ok_or("the server closed the connection")?, Event::Ready) {}
    let login = link.machine.login(user, password)?;
    finish(&mut link, login, |_| Ok(()))?;
    let examine = link.machine.examine(Mailbox::new(mailbox)?, vec![])?;
    finish(&mut link, examine, |_| Ok(()))?;
    Ok(link)
}

/// Prints a table of the newest `count` messages.
pub(crate) fn list(link: &mut Link, count: u32, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let exists = link.machine.mailbox().map_or(0, |mailbox| mailbox.exists);
    // Nothing to ask for is nothing to say: no set of IMAP is empty.
    let (Some(last), Some(_)) = (NonZeroU32::new(exists), NonZeroU32::new(count)) else { return Ok(()) };
    let first = NonZeroU32::MIN.saturating_add(exists.saturating_sub(count));
    let set = SequenceSet::new(vec![SequenceRange::between(first, last)])?;
    let attributes =
        [FetchAttribute::Uid, FetchAttribute::Flags, FetchAttribute::Rfc822Size, FetchAttribute::Envelope];
    let fetch = link.machine.fetch(set, attributes.to_vec())?;
    writeln!(out, "{:>10}   {:>10}  {:<26}{:<26}SUBJECT", "UID", "SIZE", "DATE", "FROM")?;
    let mut row = Row::default();
    finish(link, fetch, |event| {
        match event {
            Event::Row(_) => row = Row::default(),
            Event::Item(FetchItem::Uid(uid)) => row.uid = uid.get(),
            Event::Item(FetchItem::Flags(flags)) => row.seen = flags.contains(&Flag::Seen),
            Event::Item(FetchItem::Rfc822Size(size)) => row.size = size,
            Event::Item(FetchItem::Envelope(envelope)) => row.envelope = Some(envelope),
            // A row without an envelope only tells that flags have changed.
            Event::RowEnd => {
                if let Some(envelope) = row.envelope.take() {
                    row.print(&envelope, out)?;
                }
            }
            _ => {}
        }
        Ok(())
    })
}

/// Prints the message with this UID.
pub(crate) fn print(link: &mut Link, uid: NonZeroU32, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let whole = FetchAttribute::Section { section: Section::whole(), partial: None, peek: true };
    let fetch = link.machine.uid_fetch(SequenceSet::single(uid), vec![whole])?;
    let mut found = false;
    finish(link, fetch, |event| {
        match event {
            Event::Body(chunk) => out.write_all(&chunk)?,
            Event::LiteralEnd => found = true,
            // So short that the server did not make a literal of it.
            Event::Item(FetchItem::Payload { data: Some(data), .. }) => {
                out.write_all(&data)?;
                found = true;
            }
            _ => {}
        }
        Ok(())
    })?;
    out.flush()?;
    if found { Ok(()) } else { Err(format!("there is no message with UID {uid}").into()) }
}

/// Says goodbye.
pub(crate) fn close(mut link: Link) -> Result<(), Box<dyn Error>> {
    link.machine.logout()?;
    while link.next()?.is_some() {}
    Ok(())
}

/// Goes on until the command is complete, and fails if the command does; all events before go to `each`.
fn finish(
    link: &mut Link,
    command: CommandId,
    mut each: impl FnMut(Event) -> io::Result<()>,
) -> Result<(), Box<dyn Error>> {
    loop {
        match link.next()?.ok_or("the server closed the connection")? {
            Event::Done { id, status } if id == command => {
                return match status.condition {
                    Condition::Ok => Ok(()),
                    _ => Err(refused(&status)),
                };
            }
            Event::Bye(status) => return Err(refused(&status)),
            Event::NotSent { id, why } if id == command => return Err(why.into()),
            Event::RowAborted => return Err("the connection was cut inside a message".into()),
            event => each(event)?,
        }
    }
}

fn refused(status: &Status) -> Box<dyn Error> {
    format!("refused: {}", status.text.escape_ascii()).into()
}

impl Row {
    fn print(&self, envelope: &Envelope, out: &mut impl Write) -> io::Result<()> {
        let Envelope { date, subject, from, .. } = envelope;
        let text = |text: &Option<_>, width| {
            shown(text.as_ref().map_or(&[], posthaste_imap::types::AString::as_bytes), width)
        };
        let from = from.first().map(|author| match (&author.name, &author.mailbox, &author.host) {
            (None, Some(mailbox), Some(host)) => {
                shown(&[mailbox.as_bytes(), b"@", host.as_bytes()].concat(), 25)
            }
            (name, ..) => text(name, 25),
        });
        let mark = if self.seen { ' ' } else { 'N' };
        let (from, date, subject) = (from.unwrap_or_default(), text(date, 25), text(subject, 60));
        writeln!(out, "{:>10} {mark} {:>10}  {date:<26}{from:<26}{subject}", self.uid, self.size)
    }
}

/// What a header says, for a terminal: whoever wrote the message may have put in orders to it.
fn shown(value: &[u8], width: usize) -> String {
    decode_words(value).chars().filter(|character| !character.is_control()).take(width).collect()
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, user, mailbox, count, uid @ ..] = arguments.as_slice() else {
        return Err("usage: read ADDRESS USER MAILBOX COUNT [UID]".into());
    };
    let password = match std::env::var("IMAP_PASSWORD") {
        Ok(password) => password,
        Err(_) => io::stdin().lines().next().ok_or("no password")??,
    };
    let password = Secret::new(password.into_bytes());
    let mut link = open(TcpStream::connect(address)?, user, password, mailbox)?;
    let mut out = io::stdout().lock();
    match uid.first() {
        None => list(&mut link, count.parse()?, &mut out)?,
        Some(uid) => print(&mut link, uid.parse()?, &mut out)?,
    }
    close(link)
}
