//! A store in a directory of its own, with one account.

use std::ops::Range;

use posthaste_server::directory::{Account, Address, Directory, HashCost, NewAccount};
use posthaste_server::store::{
    Flags, InternalDate, Mailbox, MailboxName, NewMessage, Role, Spooled, Store, StoreError,
};
use tempfile::TempDir;

pub(crate) struct World {
    pub(crate) data: TempDir,
    pub(crate) store: Store,
    pub(crate) directory: Directory,
}

impl World {
    pub(crate) async fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let store = Store::open(data.path(), Role::Server).unwrap();
        let directory = Directory::new(store.clone(), HashCost::MINIMUM).unwrap();
        directory.add_domain("x.test").await.unwrap();
        Self { data, store, directory }
    }

    pub(crate) async fn account(&self, local: &str, quota: Option<u64>) -> Account {
        let address = Address::parse(&format!("{local}@x.test")).unwrap();
        let new = NewAccount { address: address.clone(), password: "secret".to_owned(), quota };
        self.directory.add_account(new).await.unwrap();
        self.directory.account(&address).await.unwrap().unwrap()
    }

    pub(crate) async fn used(&self, account: &Account) -> u64 {
        self.directory.account_by_id(account.id).await.unwrap().unwrap().used
    }

    pub(crate) async fn mailbox(&self, account: &Account, name: &str) -> Mailbox {
        self.store.mailbox(account.id, &named(name)).await.unwrap()
    }

    pub(crate) async fn spooled(&self, content: &[u8]) -> Spooled {
        let mut spool = self.store.spool();
        // In pieces that fit no boundary.
        for piece in content.chunks(10_007) {
            spool.write(piece).await.unwrap();
        }
        spool.finish().await.unwrap()
    }

    pub(crate) async fn append(
        &self,
        mailbox: &Mailbox,
        content: &[u8],
        flags: Flags,
    ) -> Result<u32, StoreError> {
        let new = NewMessage { content: self.spooled(content).await, flags, date: DATE };
        Ok(self.store.append(mailbox.id, vec![new]).await?.uids[0])
    }

    pub(crate) async fn content(&self, mailbox: &Mailbox, uid: u32, range: Range<u64>) -> Vec<u8> {
        let metas = self.store.snapshot(mailbox.id).await.unwrap();
        let meta = metas.iter().find(|meta| meta.uid == uid).unwrap();
        let mut reader = self.store.read_blob(meta.blob, range).await.unwrap();
        let mut content = Vec::new();
        while let Some(chunk) = reader.next_chunk().await.unwrap() {
            content.extend_from_slice(&chunk);
        }
        content
    }

    /// A look at the database from outside.
    pub(crate) fn count(&self, query: &str) -> i64 {
        let sql = rusqlite::Connection::open(self.data.path().join("posthaste.sqlite")).unwrap();
        sql.query_row(query, [], |row| row.get(0)).unwrap()
    }

    /// What must hold at any time: counters equal a recount, nothing is left without an owner.
    pub(crate) fn check(&self) {
        for nothing in [
            "SELECT count(*) FROM blobs b WHERE refs != (SELECT count(*) FROM messages m WHERE m.blob = b.id)",
            "SELECT count(*) FROM blobs WHERE refs = 0",
            "SELECT count(*) FROM blobs b WHERE size != (SELECT coalesce(sum(length(data)), 0) FROM chunks WHERE blob = b.id)",
            "SELECT count(*) FROM accounts a WHERE used != (SELECT coalesce(sum(m.size), 0) FROM messages m
                JOIN mailboxes b ON b.id = m.mailbox WHERE b.account = a.id)",
            "SELECT count(*) FROM messages m JOIN mailboxes b ON b.id = m.mailbox
                WHERE m.uid >= b.uidnext OR m.modseq > b.modseq",
            "SELECT count(*) FROM pragma_foreign_key_check",
            "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check != 'ok'",
        ] {
            assert_eq!(self.count(nothing), 0, "{nothing}");
        }
    }

    pub(crate) fn spool_files(&self) -> usize {
        std::fs::read_dir(self.data.path().join("spool")).unwrap().count()
    }
}

pub(crate) fn named(name: &str) -> MailboxName {
    MailboxName::new(name).unwrap()
}

pub(crate) const DATE: InternalDate = InternalDate { seconds: 1_700_000_000, zone_minutes: -150 };
