//! Mail as files: what is written is what is read, whatever is in it, and what others have written or have made to
//! harm.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

#[path = "exchange/hostile.rs"]
mod hostile;
#[path = "exchange/others.rs"]
mod others;
#[path = "exchange/round_trip.rs"]
mod round_trip;

use std::path::Path;

use posthaste_server::exchange::{self, Announced, Export, Format, Head, LineScan, Reader};
use posthaste_server::store::{Flags, InternalDate, Keyword, MailboxName, SystemFlags};
use tempfile::TempDir;

/// A message, as it goes and as it comes back.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mail {
    pub(crate) content: Vec<u8>,
    pub(crate) flags: Flags,
    pub(crate) seconds: i64,
}

pub(crate) fn mail(content: &str) -> Mail {
    Mail { content: content.into(), flags: Flags::default(), seconds: 1_795_252_800 }
}

pub(crate) fn flags(system: SystemFlags, keywords: &[&str]) -> Flags {
    Flags { system, keywords: keywords.iter().map(|keyword| Keyword::new(keyword).unwrap()).collect() }
}

/// Writes mailboxes to `out` in a directory, in pieces of `piece` octets.
pub(crate) fn write(directory: &TempDir, format: Format, mailboxes: &[(&str, Vec<Mail>)], piece: usize) {
    let mut export = Export::begin(&directory.path().join("out"), format).unwrap();
    for (name, mails) in mailboxes {
        let keywords: std::collections::BTreeSet<Keyword> =
            mails.iter().flat_map(|mail| mail.flags.keywords.iter().cloned()).collect();
        let keywords: Vec<Keyword> = keywords.into_iter().collect();
        let mut writer = export.mailbox(&MailboxName::new(name).unwrap(), &keywords).unwrap();
        for (mail, uid) in mails.iter().zip(1..) {
            let mut scan = LineScan::default();
            mail.content.chunks(piece).for_each(|piece| scan.pass(piece));
            let date = InternalDate { seconds: mail.seconds, zone_minutes: 0 };
            let announced = Announced { uid, size: mail.content.len() as u64, ends: scan.end() };
            writer.begin(&Head { flags: mail.flags.clone(), date }, announced).unwrap();
            mail.content.chunks(piece).for_each(|piece| writer.write(piece).unwrap());
            writer.end().unwrap();
        }
        writer.finish().unwrap();
    }
    export.finish().unwrap();
}

/// All that a reader has.
pub(crate) fn all(reader: &mut dyn Reader) -> Vec<Mail> {
    let mut mails = Vec::new();
    loop {
        let mut content = Vec::new();
        let head = reader.next(&mut |octets| {
            content.extend_from_slice(octets);
            Ok(())
        });
        match head.unwrap() {
            Some(Head { flags, date }) => mails.push(Mail { content, flags, seconds: date.seconds }),
            None => return mails,
        }
    }
}

/// All that is in a file or a directory.
pub(crate) fn read(path: &Path) -> Vec<(String, Vec<Mail>)> {
    let (format, folders) = exchange::folders(path).unwrap();
    let open = |folder: &exchange::Folder| all(&mut *exchange::open(format, folder).unwrap());
    folders.iter().map(|folder| (folder.name.clone(), open(folder))).collect()
}
