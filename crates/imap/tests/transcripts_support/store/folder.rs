//! Folders and the messages in them: what there is, whoever looks at it. Declared once for each example, and changed by
//! what its commands do. Mod-sequences count up by one with each change.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use bytes::Bytes;
use posthaste_imap::types::{
    DateTime, EntryName, Flag, Flags, MailboxAttribute, ObjectId, ResponseCode, Rights, StatusAttribute,
    StatusItem, UidSet,
};

/// One mailbox.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    pub(crate) name: String,
    pub(crate) attributes: Vec<MailboxAttribute>,
    pub(crate) uid_validity: u32,
    pub(crate) uid_next: u32,
    pub(crate) recent: u32,
    /// In the order of their UIDs.
    pub(crate) messages: Vec<Message>,
    /// HIGHESTMODSEQ; `None` where the folder has none.
    pub(crate) mod_seq: Option<u64>,
    /// The UIDs of messages that are gone, and the mod-sequences with which they went.
    pub(crate) expunged: Vec<(u64, u32)>,
    pub(crate) acl: Vec<(String, Rights)>,
    pub(crate) annotations: BTreeMap<EntryName, Bytes>,
    /// Why nothing can be done with it.
    pub(crate) trouble: Option<ResponseCode>,
}

/// One message.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) uid: u32,
    pub(crate) flags: Vec<Flag>,
    pub(crate) date: DateTime,
    pub(crate) content: Bytes,
    pub(crate) mod_seq: u64,
    /// EMAILID and THREADID (RFC 8474).
    pub(crate) email_id: String,
    pub(crate) thread_id: Option<String>,
    /// SAVEDATE (RFC 8514).
    pub(crate) saved: Option<DateTime>,
    /// Whether the preview has been made.
    pub(crate) has_preview: bool,
}

impl Message {
    pub(crate) fn new(uid: u32, flags: &str, content: &[u8]) -> Self {
        // 5 January 2026, 10:00:07 in the zone of Berlin, and one day later for each UID.
        let date = DateTime::from_unix_seconds(1_767_603_607 + i64::from(uid) * 86_400, 60).unwrap();
        Self {
            uid,
            flags: flags.split_whitespace().map(|flag| Flag::new(flag.to_owned()).unwrap()).collect(),
            date,
            content: Bytes::copy_from_slice(content),
            mod_seq: 1,
            email_id: format!("M{uid}"),
            thread_id: None,
            saved: None,
            has_preview: false,
        }
    }

    pub(crate) fn has(&self, flag: &Flag) -> bool {
        self.flags.contains(flag)
    }

    pub(crate) fn uid(&self) -> NonZeroU32 {
        NonZeroU32::new(self.uid).unwrap()
    }

    pub(crate) fn flags(&self) -> Flags {
        self.flags.iter().cloned().collect()
    }

    pub(crate) fn size(&self) -> u64 {
        self.content.len() as u64
    }
}

/// How an example declares a folder.
impl Folder {
    pub(crate) fn new(name: &str, uid_validity: u32) -> Self {
        Self {
            name: name.into(),
            attributes: Vec::new(),
            uid_validity,
            uid_next: 1,
            recent: 0,
            messages: Vec::new(),
            mod_seq: None,
            expunged: Vec::new(),
            acl: vec![("ann".into(), Rights::new("lrswipkxtea").unwrap())],
            annotations: BTreeMap::new(),
            trouble: None,
        }
    }

    /// With a message more.
    pub(crate) fn with(mut self, uid: u32, flags: &str, content: &str) -> Self {
        self.messages.push(Message::new(uid, flags, content.as_bytes()));
        self.uid_next = uid + 1;
        self
    }

    pub(crate) fn with_attribute(mut self, attribute: MailboxAttribute) -> Self {
        self.attributes.push(attribute);
        self
    }

    /// With mod-sequences: of the folder, and of its messages in their order; those left out have the least.
    pub(crate) fn with_mod_seqs(&mut self, highest: u64, messages: &[u64]) -> &mut Self {
        self.mod_seq = Some(highest);
        for (message, mod_seq) in self.messages.iter_mut().zip(messages) {
            message.mod_seq = *mod_seq;
        }
        self
    }

    pub(crate) fn with_expunged(&mut self, uid: u32, mod_seq: u64) -> &mut Self {
        self.expunged.push((mod_seq, uid));
        self
    }

    pub(crate) fn with_annotation(&mut self, entry: &str, value: impl Into<Bytes>) -> &mut Self {
        self.annotations.insert(EntryName::new(entry).unwrap(), value.into());
        self
    }

    pub(crate) fn with_flags(&mut self, uid: u32, flags: &str) -> &mut Self {
        self.message(uid).unwrap().flags = Message::new(uid, flags, b"").flags;
        self
    }

    pub(crate) fn with_rights(&mut self, identifier: &str, rights: &str) -> &mut Self {
        self.acl.retain(|(name, _)| name != identifier);
        self.acl.push((identifier.into(), Rights::new(rights).unwrap()));
        self
    }
}

impl Folder {
    pub(crate) fn message(&mut self, uid: u32) -> Option<&mut Message> {
        self.messages.iter_mut().find(|message| message.uid == uid)
    }

    /// The mod-sequence of a change that is made now.
    pub(crate) fn tick(&mut self) -> u64 {
        self.mod_seq = self.mod_seq.map(|mod_seq| mod_seq + 1);
        self.mod_seq.unwrap_or(1)
    }

    /// Puts a message in, and gives it the next UID.
    pub(crate) fn add(&mut self, message: Message) -> u32 {
        let (uid, mod_seq) = (self.uid_next, self.tick());
        self.messages.push(Message { uid, mod_seq, ..message });
        self.uid_next = uid + 1;
        uid
    }

    /// Takes messages out, with one change.
    pub(crate) fn expunge(&mut self, uids: &[u32]) {
        let mod_seq = self.tick();
        self.expunged.extend(uids.iter().map(|uid| (mod_seq, *uid)));
        self.messages.retain(|message| !uids.contains(&message.uid));
    }

    /// The UIDs of what went after `mod_seq`.
    pub(crate) fn expunged_since(&self, mod_seq: u64) -> UidSet {
        let gone = self.expunged.iter().filter(|(at, _)| *at > mod_seq);
        let mut uids: Vec<u32> = gone.map(|(_, uid)| *uid).collect();
        uids.sort_unstable();
        UidSet::from_numbers(uids.into_iter().filter_map(NonZeroU32::new))
    }

    pub(crate) fn id(&self) -> ObjectId {
        // UIDVALIDITY stays with a mailbox that is renamed, and no two have the same here.
        ObjectId::new(format!("F{}", self.uid_validity)).unwrap()
    }

    pub(crate) fn exists(&self) -> u32 {
        u32::try_from(self.messages.len()).unwrap()
    }

    /// Whether it is but a name.
    pub(crate) fn is_no_mailbox(&self) -> bool {
        self.attributes
            .iter()
            .any(|it| matches!(it, MailboxAttribute::NoSelect | MailboxAttribute::NonExistent))
    }

    pub(crate) fn status(&self, attributes: &[StatusAttribute]) -> Vec<StatusItem> {
        attributes.iter().map(|attribute| self.status_item(*attribute)).collect()
    }

    fn status_item(&self, attribute: StatusAttribute) -> StatusItem {
        let having =
            |flag: &Flag| self.messages.iter().filter(|message| message.has(flag)).collect::<Vec<_>>();
        let octets = |messages: &[&Message]| messages.iter().map(|message| message.size()).sum();
        match attribute {
            StatusAttribute::Messages => StatusItem::Messages(self.messages.len() as u64),
            StatusAttribute::Recent => StatusItem::Recent(self.recent.into()),
            StatusAttribute::UidNext => StatusItem::UidNext(self.uid_next.into()),
            StatusAttribute::UidValidity => StatusItem::UidValidity(self.uid_validity.into()),
            StatusAttribute::Unseen => {
                StatusItem::Unseen((self.messages.len() - having(&Flag::Seen).len()) as u64)
            }
            StatusAttribute::Deleted => StatusItem::Deleted(having(&Flag::Deleted).len() as u64),
            StatusAttribute::DeletedStorage => StatusItem::DeletedStorage(octets(&having(&Flag::Deleted))),
            StatusAttribute::Size => StatusItem::Size(octets(&self.messages.iter().collect::<Vec<_>>())),
            StatusAttribute::HighestModSeq => StatusItem::HighestModSeq(self.mod_seq.unwrap_or(0)),
            StatusAttribute::AppendLimit => StatusItem::AppendLimit(None),
            StatusAttribute::MailboxId => StatusItem::MailboxId(self.id()),
            other => panic!("{other:?}"),
        }
    }
}
