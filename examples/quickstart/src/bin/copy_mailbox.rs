//! Copies the messages of a mailbox to a mailbox of another IMAP server, with their flags and the dates they were
//! received, octet for octet. Whatever is there already is not copied again.
//!
//! Decides what "already there" means: as many messages of the same Message-ID and the same date, or of the same size and
//! date where there is none. All that is remembered is on the two servers, so that a copy may be interrupted and begun
//! anew at any point, which is also what is done when a connection is lost. A message streams from one server to the
//! other: of one that is longer than 64 KiB no more than some pieces are in memory.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use posthaste_imap::types::{
    AString, DateTime, FetchAttribute, FetchItem, Flag, Flags, Mailbox, Section, SequenceSet,
};
use posthaste_quickstart::account::Account;
use posthaste_quickstart::{Outcome, arguments, progress};
use posthaste_tokio::Retry;
use posthaste_tokio::imap::{Append, Client, Error, Part};

const HELP: &str = "
usage: copy_mailbox FROM-URL TO-URL [MAILBOX [TO-MAILBOX]]

A URL is such as imaps://ursel@mail.example; the passwords are in FROM_PASSWORD and TO_PASSWORD. MAILBOX is INBOX, and
TO-MAILBOX the same as MAILBOX, unless they are given. It is made where it is not there. MAIL_CA may name a file of
certificates to trust in place of the public authorities.
";

/// So often in a row it is tried again without a message getting through.
const ATTEMPTS_MAX: u32 = 5;

/// So many messages are asked for in one command.
const BATCH: usize = 500;

#[tokio::main]
async fn main() -> Outcome {
    let Some(arguments) = arguments(HELP)? else { return Ok(()) };
    let (from, to, names) = match arguments.as_slice() {
        [from, to, names @ ..] if names.len() <= 2 => (from, to, names),
        _ => return Err(HELP.trim().into()),
    };
    let mailbox = names.first().map_or_else(|| Ok(Mailbox::inbox()), Mailbox::new)?;
    let target = names.get(1).map_or_else(|| Ok(mailbox.clone()), Mailbox::new)?;
    let mut source = Account::from_url(from, "FROM_PASSWORD")?;
    // The target may take its time over a message, and the source waits for it.
    source.options.reader_timeout = source.options.idle_timeout;
    let from = (source, mailbox);
    let to = (Account::from_url(to, "TO_PASSWORD")?, target);

    let mut tally = Tally::default();
    let mut failures = 0_u32;
    loop {
        let before = tally.copied;
        let Err(error) = copy(&from, &to, &mut tally).await else { break };
        failures = if tally.copied > before { 1 } else { failures.saturating_add(1) };
        // That something was perhaps done is no reason against another: the comparison finds out.
        if error.retry() == Retry::Never || failures >= ATTEMPTS_MAX {
            return Err(error.into());
        }
        let pause = Duration::from_secs(1_u64.checked_shl(failures.saturating_sub(1)).unwrap_or(u64::MAX));
        eprintln!("{error}; again in {} s", pause.as_secs());
        tokio::time::sleep(pause).await;
    }
    println!("{} copied, {} were there, {} failed", tally.copied, tally.present, tally.failed);
    if tally.failed == 0 { Ok(()) } else { Err("not all messages were copied".into()) }
}

/// What became of the messages.
#[derive(Default)]
struct Tally {
    copied: u64,
    /// Were there before, as far as the last attempt has seen.
    present: u64,
    /// In the last attempt.
    failed: u64,
}

/// A message as it is listed.
struct Listed {
    likeness: Likeness,
    flags: Flags,
    date: DateTime,
    octets: u64,
}

/// By what a message is found again on another server, where it has another UID.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Likeness {
    Id(Vec<u8>, i64),
    Size(u64, i64),
}

/// One attempt: compares the mailboxes, and copies what is missing.
async fn copy(from: &(Account, Mailbox), to: &(Account, Mailbox), tally: &mut Tally) -> Result<(), Error> {
    let source = Client::connect(&from.0.endpoint, &from.0.options).await?;
    let target = Client::connect(&to.0.endpoint, &to.0.options).await?;
    let exists = source.examine(from.1.clone()).await?.exists;
    let listed = if exists > 0 { list(&source).await? } else { BTreeMap::new() };
    // Whatever the server does not describe cannot be compared.
    tally.failed = u64::from(exists).saturating_sub(count(&listed));
    let mut missing = missing(listed, present(&target, &to.1).await?, tally);

    let octets = missing.values().map(|message| message.octets).fold(0, u64::saturating_add);
    let bar = progress::octets(Some(octets), "copying");
    let uids: Vec<NonZeroU32> = missing.keys().copied().collect();
    for batch in uids.chunks(BATCH) {
        let Some(set) = SequenceSet::from_numbers(batch.iter().copied()) else { continue };
        let whole = FetchAttribute::Section { section: Section::whole(), partial: None, peek: true };
        let mut rows = source.uid_fetch(set, [FetchAttribute::Uid, whole]).await?;
        while let Some(mut row) = rows.next().await? {
            let Some(uid) = row.uid() else { continue };
            while let Some(part) = row.next().await? {
                let append = match part {
                    Part::Literal(literal) => {
                        let length = literal.length();
                        Append::from_reader(bar.wrap_async_read(literal), length)
                    }
                    Part::Item(FetchItem::Payload { data: Some(data), .. }) => {
                        bar.inc(u64::try_from(data.len()).unwrap_or_default());
                        Append::new(data)
                    }
                    _ => continue,
                };
                // A row may come twice.
                let Some(message) = missing.remove(&uid) else { continue };
                let append = append.with_flags(message.flags).with_date(message.date);
                match target.append(to.1.clone(), append).await {
                    Ok(_) => tally.copied = tally.copied.saturating_add(1),
                    // This message, but perhaps not the next.
                    Err(error) if error.refusal().is_some() => {
                        bar.suspend(|| eprintln!("the message with the UID {uid}: {error}"));
                        tally.failed = tally.failed.saturating_add(1);
                    }
                    Err(error) => return Err(error),
                }
            }
        }
    }
    bar.finish_and_clear();
    for uid in missing.keys() {
        eprintln!("the message with the UID {uid} did not come: perhaps it is gone");
        tally.failed = tally.failed.saturating_add(1);
    }
    // All is copied: what comes of this changes nothing.
    let _ = tokio::join!(source.logout(), target.logout());
    Ok(())
}

/// The messages of the mailbox that is open, by UID.
async fn list(client: &Client) -> Result<BTreeMap<NonZeroU32, Listed>, Error> {
    let attributes = [
        FetchAttribute::Uid,
        FetchAttribute::Flags,
        FetchAttribute::InternalDate,
        FetchAttribute::Rfc822Size,
        FetchAttribute::Envelope,
    ];
    let mut listed = BTreeMap::new();
    let mut rows = client.uid_fetch(SequenceSet::all(), attributes).await?;
    while let Some(row) = rows.next().await? {
        let (Some(uid), Some(envelope)) = (row.uid(), row.envelope()) else { continue };
        // A server may also send rows that nobody asked for, with less in them.
        let (Some(date), Some(octets)) = (row.internal_date(), row.size()) else { continue };
        let received = date.unix_seconds();
        let likeness = match envelope.message_id.as_ref().map(AString::as_bytes) {
            Some(id) if !id.is_empty() => Likeness::Id(id.to_vec(), received),
            _ => Likeness::Size(octets, received),
        };
        // `\Recent` is the server's to say.
        let flags: Vec<Flag> =
            row.flags().into_iter().flat_map(Flags::iter).filter(Flag::is_settable).collect();
        listed.insert(uid, Listed { likeness, flags: flags.into(), date, octets });
    }
    Ok(listed)
}

/// How many messages of each likeness are in the mailbox that is copied to; it is made where it is not there.
async fn present(client: &Client, mailbox: &Mailbox) -> Result<BTreeMap<Likeness, u64>, Error> {
    let opened = match client.examine(mailbox.clone()).await {
        Err(error) if error.refusal().is_some() => {
            client.create(mailbox.clone(), []).await?;
            client.examine(mailbox.clone()).await
        }
        opened => opened,
    };
    let mut present = BTreeMap::new();
    if opened?.exists > 0 {
        for message in list(client).await?.into_values() {
            let count: &mut u64 = present.entry(message.likeness).or_default();
            *count = count.saturating_add(1);
        }
    }
    Ok(present)
}

/// What is left of the messages without those that are present, each of which stands for one.
fn missing(
    mut listed: BTreeMap<NonZeroU32, Listed>,
    mut present: BTreeMap<Likeness, u64>,
    tally: &mut Tally,
) -> BTreeMap<NonZeroU32, Listed> {
    let all = count(&listed);
    listed.retain(|_, message| match present.get_mut(&message.likeness).filter(|count| **count > 0) {
        Some(count) => {
            *count = count.saturating_sub(1);
            false
        }
        None => true,
    });
    // What an attempt before this one has copied was not there before.
    tally.present = all.saturating_sub(count(&listed)).saturating_sub(tally.copied);
    listed
}

fn count(messages: &BTreeMap<NonZeroU32, Listed>) -> u64 {
    u64::try_from(messages.len()).unwrap_or(u64::MAX)
}
