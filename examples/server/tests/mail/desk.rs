//! The administration of a store with two accounts, and ways to fill and to see mailboxes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use posthaste_server::admin::{Admin, Password, ProblemKind, accounts, domains, mail};
use posthaste_server::config::Config;
use posthaste_server::directory::{Address, Directory, HashCost, Options};
use posthaste_server::exchange::Format;
use posthaste_server::ingest;
use posthaste_server::store::sqlite::Sqlite;
use posthaste_server::store::{
    Check, Flags, InternalDate, Keyword, MailboxName, Maildrops, NewMessage, NoListener, Progress, Room,
    Store, StoreError, SystemFlags,
};
use tempfile::TempDir;

pub(crate) struct Desk {
    pub(crate) directory: TempDir,
    pub(crate) admin: Admin,
    pub(crate) store: Arc<dyn Store>,
}

/// What is seen of a message: octets, flags, keywords, and its date.
pub(crate) type Seen = (String, SystemFlags, Vec<String>, i64);

pub(crate) const ANNA: &str = "anna@x.test";
pub(crate) const BEN: &str = "ben@x.test";

pub(crate) fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

impl Desk {
    pub(crate) async fn open() -> Self {
        let desk = Self::open_in(tempfile::tempdir().unwrap()).await;
        desk.admin.ask(domains::Add { name: "x.test".into() }).await.unwrap();
        for name in [ANNA, BEN] {
            desk.add(name).await;
        }
        desk
    }

    async fn open_in(directory: TempDir) -> Self {
        let mut config = Config::new("mail.x.test", directory.path().join("data"));
        config.limits.message_size = 1 << 20;
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(&config.data, Arc::new(NoListener)).unwrap());
        let options = Options { cost: HashCost::MINIMUM, scram_iterations: 4096, ..Options::default() };
        let known = Directory::open(Arc::clone(&store), options).await.unwrap();
        let admin = Admin::new(known, Arc::clone(&store), Maildrops::default(), &config);
        Self { directory, admin, store }
    }

    pub(crate) async fn add(&self, name: &str) {
        self.admin.ask(accounts::Add::new(address(name), Password::new("secret"))).await.unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    pub(crate) async fn fill(&self, account: &str, mailbox: &str, messages: &[Seen]) {
        let account = self.admin.directory().account(&address(account)).unwrap().id;
        let name = MailboxName::new(mailbox).unwrap();
        let id = match self.store.mailbox(account, &name).await {
            Err(StoreError::NoSuchMailbox) => {
                self.store.create_mailbox(account, &name, None).await.unwrap().id
            }
            found => found.unwrap().id,
        };
        for (content, system, keywords, seconds) in messages {
            let mut spool = self.store.spool();
            spool.write(content.as_bytes()).await.unwrap();
            let content = ingest::complete(spool.finish().await.unwrap()).await.unwrap();
            let keywords = keywords.iter().map(|keyword| Keyword::new(keyword).unwrap()).collect();
            let flags = Flags { system: *system, keywords };
            let date = InternalDate { seconds: *seconds, zone_minutes: 60 };
            let message = NewMessage { content, flags, date };
            self.store.append(id, Room::UNLIMITED, vec![message]).await.unwrap();
        }
    }

    /// The mailboxes of an account that have messages.
    pub(crate) async fn seen(&self, account: &str) -> BTreeMap<String, Vec<Seen>> {
        let account = self.admin.directory().account(&address(account)).unwrap().id;
        let mut seen = BTreeMap::new();
        for mailbox in self.store.mailboxes(account).await.unwrap() {
            let mut messages = Vec::new();
            for message in self.store.snapshot(mailbox.id).await.unwrap().messages {
                let mut content = self.store.content(message.blob, 0..u64::MAX).await.unwrap();
                let mut octets = Vec::new();
                while let Some(chunk) = content.next_chunk().await.unwrap() {
                    octets.extend_from_slice(&chunk);
                }
                let keywords =
                    message.flags.keywords.iter().map(|keyword| keyword.as_str().to_owned()).collect();
                let text = String::from_utf8(octets).unwrap();
                messages.push((text, message.flags.system, keywords, message.date.seconds));
            }
            if !messages.is_empty() {
                seen.insert(mailbox.name, messages);
            }
        }
        assert_eq!(self.store.check(Check::Report, Progress::silent()).await.unwrap(), []);
        assert_eq!(std::fs::read_dir(self.path("data/spool")).unwrap().count(), 0);
        seen
    }

    pub(crate) async fn export(&self, account: &str, format: Format, to: &str) -> mail::Moved {
        let directory = self.path(to);
        let request = mail::Export { address: address(account), directory, format, mailboxes: Vec::new() };
        self.admin.ask(request).await.unwrap()
    }

    pub(crate) async fn import(&self, request: mail::Import) -> mail::Moved {
        self.admin.ask(request).await.unwrap()
    }

    pub(crate) async fn refused<O: posthaste_server::admin::Operation<Answer: std::fmt::Debug>>(
        &self,
        request: O,
        kind: ProblemKind,
        why: &str,
    ) {
        let problem = self.admin.ask(request).await.unwrap_err();
        assert!(problem.kind == kind && problem.to_string().contains(why), "{problem:?}");
    }
}

/// An import without more.
pub(crate) fn import(account: &str, path: PathBuf) -> mail::Import {
    mail::Import { address: address(account), path, mailbox: None, beyond_quota: false }
}

/// A restore without more.
pub(crate) fn restore(account: &str, backup: PathBuf) -> mail::Restore {
    mail::Restore {
        address: address(account),
        backup,
        from: None,
        mailbox: None,
        into: None,
        in_place: false,
        beyond_quota: false,
    }
}

/// Counts: written, there already, left out.
pub(crate) fn counts(moved: &mail::Moved) -> (u64, u64, u64) {
    (moved.messages, moved.there_already, moved.left_out)
}

/// Some mail, twice the same among it, one message larger than what is kept in memory.
pub(crate) fn some() -> BTreeMap<String, Vec<Seen>> {
    let mut all = BTreeMap::new();
    let twice = ("Message-ID: <1@x>\r\n\r\nFrom a\r\n".to_owned(), SystemFlags::NONE, vec![], 1_000_000_000);
    let other = (
        "Message-ID: <1@x>\r\n\r\nFrom b\r\n".to_owned(),
        SystemFlags::SEEN | SystemFlags::FLAGGED,
        vec!["$Forwarded".to_owned(), "later".to_owned()],
        1_100_000_000,
    );
    let large = (format!("a: b\r\n\r\n{}", "0123456789\r\n".repeat(50_000)), SystemFlags::DRAFT, vec![], 1);
    all.insert("INBOX".to_owned(), vec![twice.clone(), twice, other.clone()]);
    all.insert("Entw\u{fc}rfe/2026".to_owned(), vec![large, other]);
    all
}
