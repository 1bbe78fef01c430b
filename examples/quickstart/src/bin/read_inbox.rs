//! Lists the newest messages of an IMAP mailbox, or prints the text of one. Nothing changes in the mailbox, not even what
//! is marked as seen.

use std::io::{self, Write};
use std::num::NonZeroU32;

use posthaste_imap::charset::TextDecoder;
use posthaste_imap::message::{TransferDecoder, TransferEncoding};
use posthaste_imap::types::{
    AString, BodyKind, BodyPart, BodyStructure, FetchAttribute, FetchItem, Flag, Mailbox, PartPath, Section,
    SectionText, SequenceRange, SequenceSet,
};
use posthaste_quickstart::account::Account;
use posthaste_quickstart::{Outcome, Problem, arguments, shown};
use posthaste_tokio::imap::{Client, Part};

const HELP: &str = "
usage: read_inbox URL          lists the newest 20 messages of the inbox
       read_inbox URL COUNT    lists so many
       read_inbox URL uid UID  prints the text of one message

URL is such as imaps://ursel@mail.example; the password is in MAIL_PASSWORD, or the first line of the standard input.
MAIL_CA may name a file of certificates to trust in place of the public authorities.
";

#[tokio::main]
async fn main() -> Outcome {
    let Some(arguments) = arguments(HELP)? else { return Ok(()) };
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (url, uid, count) = match arguments.as_slice() {
        [url] => (url, None, 20),
        [url, count] => (url, None, count.parse().map_err(|error| format!("{count}: {error}"))?),
        [url, "uid", uid] => (url, Some(uid.parse().map_err(|error| format!("{uid}: {error}"))?), 0),
        _ => return Err(HELP.trim().into()),
    };
    let account = Account::from_url(url, "MAIL_PASSWORD")?;
    let client = Client::connect(&account.endpoint, &account.options).await?;
    let exists = client.examine(Mailbox::inbox()).await?.exists;
    match uid {
        None => list(&client, exists, count).await?,
        Some(uid) => print(&client, uid).await?,
    }
    client.logout().await?;
    Ok(())
}

/// Prints a table of the newest messages, of which there are `exists` in all.
async fn list(client: &Client, exists: u32, count: u32) -> Outcome {
    let mut out = io::stdout();
    writeln!(out, "{exists} messages")?;
    // No set of IMAP is empty: for nothing nobody is asked.
    let (Some(last), true) = (NonZeroU32::new(exists), count > 0) else { return Ok(()) };
    let first = NonZeroU32::MIN.saturating_add(exists.saturating_sub(count));
    let newest = SequenceSet::new(vec![SequenceRange::between(first, last)])?;
    let attributes = [FetchAttribute::Uid, FetchAttribute::Flags, FetchAttribute::Envelope];
    let mut rows = client.fetch(newest, attributes).await?;
    while let Some(row) = rows.next().await? {
        let (Some(uid), Some(envelope)) = (row.uid(), row.envelope()) else { continue };
        let mark = if row.flags().is_some_and(|flags| flags.contains(&Flag::Seen)) { ' ' } else { 'N' };
        let (date, author) = (shown::date(envelope, 25), shown::author(envelope, 25));
        writeln!(out, "{uid:>10} {mark} {date:<25}  {author:<25}  {}", shown::subject(envelope, 60))?;
    }
    Ok(())
}

/// Prints the text of a message as it comes in, whatever its length.
async fn print(client: &Client, uid: NonZeroU32) -> Outcome {
    let structure = structure(client, uid).await?;
    let (path, part) = first_text(&structure, Vec::new()).ok_or("the message has no plain text")?;
    let encoding = part.encoding.as_bytes().to_ascii_lowercase();
    let encoding = std::str::from_utf8(&encoding).ok().and_then(TransferEncoding::of);
    let mut octets = TransferDecoder::new(encoding.ok_or("the text is written in a way that is not known")?);
    let mut text = TextDecoder::named(parameter(part, b"charset"));

    // The text of a message that is not in parts is all of its body.
    let section = match path.is_empty() {
        true => Section::new(None, Some(SectionText::Text))?,
        false => Section::new(Some(PartPath::new(path)?), None)?,
    };
    let attribute = FetchAttribute::Section { section, partial: None, peek: true };
    let mut rows = client.uid_fetch(SequenceSet::single(uid), [attribute]).await?;
    let (mut out, mut decoded, mut readable) = (io::stdout(), Vec::new(), String::new());
    let mut write = |chunk: &[u8]| {
        octets.push(chunk, &mut decoded);
        text.push(&decoded, &mut readable);
        decoded.clear();
        out.write_all(shown::text(&std::mem::take(&mut readable)).as_bytes())
    };
    while let Some(mut row) = rows.next().await? {
        while let Some(part) = row.next().await? {
            match part {
                Part::Literal(mut literal) => {
                    while let Some(chunk) = literal.next_chunk().await? {
                        write(&chunk)?;
                    }
                }
                Part::Item(FetchItem::Payload { data: Some(data), .. }) => write(&data)?,
                _ => {}
            }
        }
    }
    octets.finish(&mut decoded);
    text.push(&decoded, &mut readable);
    text.finish(&mut readable);
    Ok(writeln!(out, "{}", shown::text(&readable))?)
}

/// What parts a message has.
async fn structure(client: &Client, uid: NonZeroU32) -> Result<BodyStructure, Problem> {
    let mut rows = client.uid_fetch(SequenceSet::single(uid), [FetchAttribute::BodyStructure]).await?;
    let mut found = None;
    while let Some(row) = rows.next().await? {
        found = row.body_structure().cloned().or(found);
    }
    found.ok_or_else(|| format!("there is no message with the UID {uid}").into())
}

/// The first part that is plain text, and its path, of which `path` is the beginning.
fn first_text(body: &BodyStructure, path: Vec<NonZeroU32>) -> Option<(Vec<NonZeroU32>, &BodyPart)> {
    match body {
        BodyStructure::Part(part) => {
            let is_plain = matches!(&part.kind, BodyKind::Text { subtype, .. } if is(subtype, b"plain"));
            is_plain.then_some((path, part))
        }
        BodyStructure::Multipart(multipart) => (1..).zip(&multipart.parts).find_map(|(number, part)| {
            let mut path = path.clone();
            path.extend(NonZeroU32::new(number));
            first_text(part, path)
        }),
    }
}

fn parameter<'a>(part: &'a BodyPart, wanted: &[u8]) -> Option<&'a [u8]> {
    let found = part.parameters.iter().find(|(name, _)| is(name, wanted));
    found.map(|(_, value)| value.as_bytes())
}

fn is(value: &AString, wanted: &[u8]) -> bool {
    value.as_bytes().eq_ignore_ascii_case(wanted)
}
