//! Whose mailboxes a user sees under which names, and what the user may do with each (RFC 2342, RFC 4314).
//!
//! | name | mailbox |
//! | --- | --- |
//! | `Archive/2026` | the user's own |
//! | `Other Users/bob@example.org/INBOX` | one of somebody who has granted something on it |
//! | `Shared/News` | one of the public account, on which something is granted |
//!
//! What a user may not even look up is answered as what does not exist, and found out the same way: by a look at what
//! is granted, never at what there is.

use posthaste_imap::server::Refusal;
use posthaste_imap::types::{Flag, Mailbox as ImapMailbox, ResponseCode, Rights};

use super::{Session, convert, refusal};
use crate::directory::Account;
use crate::store::{
    AccountId, FlagMask, Grant, KeywordMask, Mailbox, MailboxName, Room, SEPARATOR, StoreError, SystemFlags,
};

/// The first level of the names of mailboxes of other users.
pub(super) const OTHERS: &str = "Other Users";
/// The first level of the names of public mailboxes.
pub(super) const SHARED: &str = "Shared";

/// Why something was not done.
#[derive(Debug)]
pub(super) enum Failure {
    /// The store refused.
    Store(StoreError),
    /// The session does.
    Refused(Refusal),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Failure {
    pub(super) fn refusal(self) -> Refusal {
        match self {
            Self::Store(error) => refusal(&error),
            Self::Refused(refusal) => refusal,
        }
    }

    /// The same where the mailbox is one that messages are to go to.
    pub(super) fn of_target(self) -> Refusal {
        match self {
            Self::Store(StoreError::NoSuchMailbox) => Refusal::try_create(),
            other => other.refusal(),
        }
    }
}

/// A mailbox as the user sees it.
#[derive(Debug, Clone)]
pub(super) struct Reached {
    pub(super) mailbox: Mailbox,
    /// The name under which the user knows it.
    pub(super) name: String,
    pub(super) rights: Rights,
}

impl Reached {
    pub(super) fn is_own(&self, account: AccountId) -> bool {
        self.mailbox.account == account
    }
}

/// Where a name points to.
pub(super) enum Place {
    /// Into the user's own mailboxes.
    Own(MailboxName),
    /// To somebody else's.
    Foreign(Option<(AccountId, MailboxName)>),
}

/// All rights there are: those of an owner.
pub(super) fn all_rights() -> Rights {
    rights("lrswipkxtea")
}

pub(super) fn rights(letters: &str) -> Rights {
    Rights::new(letters).unwrap_or_default()
}

impl Session {
    /// The account; before login no command comes that wants one.
    pub(super) fn own(&self) -> Result<&Account, StoreError> {
        self.account.as_deref().ok_or(StoreError::NoSuchAccount)
    }

    pub(super) fn own_id(&self) -> Result<AccountId, StoreError> {
        self.own().map(|account| account.id)
    }

    /// What an access control list may call the user.
    fn identifiers(&self) -> Result<Vec<String>, StoreError> {
        let own = self.own()?;
        let groups = self.context.directory.groups_of(own).into_iter().map(|group| format!("${group}"));
        Ok([own.address.to_string(), "anyone".to_owned()].into_iter().chain(groups).collect())
    }

    /// What the user may do with somebody's mailbox that has these grants: what is granted, but for what is withheld
    /// (RFC 4314 2).
    fn effective(&self, owner: AccountId, grants: &[Grant]) -> Result<Rights, StoreError> {
        if self.own_id()? == owner {
            return Ok(all_rights());
        }
        let identifiers = self.identifiers()?;
        let of = |sign: &str| {
            let named = grants.iter().filter(|grant| {
                let name = grant.identifier.strip_prefix('-');
                let name =
                    if sign.is_empty() { name.map_or(Some(&*grant.identifier), |_| None) } else { name };
                name.is_some_and(|name| identifiers.iter().any(|own| own.eq_ignore_ascii_case(name)))
            });
            named.fold(Rights::NONE, |all, grant| all.with(grant.rights))
        };
        Ok(of("").without(of("-")))
    }

    /// The mailboxes of others that the user may do something with, with the names the user knows them by.
    pub(super) async fn visible(&self) -> Result<Vec<Reached>, StoreError> {
        let own = self.own_id()?;
        let mut identifiers = self.identifiers()?;
        let withheld: Vec<String> = identifiers.iter().map(|name| format!("-{name}")).collect();
        identifiers.extend(withheld);
        let mut visible = Vec::new();
        for (mailbox, grants) in self.context.store.granted_to(identifiers).await? {
            if mailbox.account == own {
                continue;
            }
            let rights = self.effective(mailbox.account, &grants)?;
            if rights.is_empty() {
                continue;
            }
            if let Some(prefix) = self.prefix_of(mailbox.account) {
                let name = format!("{prefix}{SEPARATOR}{}", mailbox.name);
                visible.push(Reached { mailbox, name, rights });
            }
        }
        Ok(visible)
    }

    /// What stands in front of the names of somebody's mailboxes; `None` for somebody who is not served.
    fn prefix_of(&self, owner: AccountId) -> Option<String> {
        let owner = self.context.directory.account_by_id(owner).filter(|account| account.enabled)?;
        Some(if self.is_public(&owner) {
            SHARED.to_owned()
        } else {
            format!("{OTHERS}{SEPARATOR}{}", owner.address)
        })
    }

    fn is_public(&self, account: &Account) -> bool {
        let public = self.context.config.public_account.as_deref();
        public.is_some_and(|public| public.eq_ignore_ascii_case(&account.address.to_string()))
    }

    /// The name by which the user knows a mailbox.
    pub(super) fn name_of(&self, mailbox: &Mailbox) -> Option<String> {
        if self.own_id() == Ok(mailbox.account) {
            return Some(mailbox.name.clone());
        }
        self.prefix_of(mailbox.account).map(|prefix| format!("{prefix}{SEPARATOR}{}", mailbox.name))
    }

    /// Whose name this is.
    pub(super) fn place_of(&self, mailbox: &ImapMailbox) -> Result<Place, StoreError> {
        let name = convert::name(mailbox)?;
        let below = |first: &str| {
            let rest = name.as_str().strip_prefix(first)?;
            (rest.is_empty() || rest.starts_with(SEPARATOR)).then(|| rest.trim_start_matches(SEPARATOR))
        };
        let owned = |address: &str, rest: &str| {
            let address = crate::directory::Address::parse(address).ok()?;
            let owner = self.context.directory.account(&address)?;
            Some((owner.id, MailboxName::new(rest).ok()?))
        };
        Ok(if let Some(rest) = below(OTHERS) {
            Place::Foreign(rest.split_once(SEPARATOR).and_then(|(address, rest)| owned(address, rest)))
        } else if let Some(rest) = below(SHARED) {
            let public = self.context.config.public_account.as_deref();
            Place::Foreign(public.and_then(|public| owned(public, rest)))
        } else {
            Place::Own(name)
        })
    }

    /// The mailbox of a name, if the user may do with it what is asked for; `|` stands between alternatives.
    ///
    /// Who may do nothing with it, or may not look it up, learns that there is none.
    pub(super) async fn reach(&self, mailbox: &ImapMailbox, needs: &str) -> Result<Reached, Failure> {
        let reached = match self.place_of(mailbox).map_err(|_| StoreError::NoSuchMailbox)? {
            Place::Own(name) => {
                let (store, index) = (&self.context.store, &self.context.index);
                let mailbox = index.named(store, self.own_id()?, &name).await?;
                Reached { name: mailbox.name.clone(), mailbox, rights: all_rights() }
            }
            Place::Foreign(wanted) => {
                let visible = self.visible().await?;
                let (owner, name) = wanted.ok_or(StoreError::NoSuchMailbox)?;
                let is_wanted =
                    |it: &Reached| it.mailbox.account == owner && it.mailbox.name == name.as_str();
                visible.into_iter().find(is_wanted).ok_or(StoreError::NoSuchMailbox)?
            }
        };
        if needs.split('|').any(|needs| reached.rights.contains_all(rights(needs))) {
            return Ok(reached);
        }
        // RFC 4314 6: who may not look a mailbox up is not told that it exists.
        if reached.rights.contains('l') {
            return Err(Refusal::no_permission().into());
        }
        Err(StoreError::NoSuchMailbox.into())
    }

    /// What the user may do with a mailbox that is known by its id.
    pub(super) async fn rights_of(&self, mailbox: &Mailbox) -> Result<Rights, StoreError> {
        if self.own_id()? == mailbox.account {
            return Ok(all_rights());
        }
        if self.prefix_of(mailbox.account).is_none() {
            return Ok(Rights::NONE);
        }
        let grants = self.context.store.grants(mailbox.id).await?;
        self.effective(mailbox.account, &grants)
    }

    /// How much the owner of a mailbox may keep.
    pub(super) fn room_of(&self, owner: AccountId) -> Result<Room, StoreError> {
        let account = self.context.directory.account_by_id(owner).ok_or(StoreError::NoSuchAccount)?;
        Ok(self.context.directory.room(&account))
    }
}

/// The flags that somebody with these rights may change (RFC 4314 4).
pub(super) fn changeable(rights: Rights) -> FlagMask {
    let mut mask = FlagMask::NONE;
    if rights.contains('s') {
        mask.system = mask.system | SystemFlags::SEEN;
    }
    if rights.contains('t') {
        mask.system = mask.system | SystemFlags::DELETED;
    }
    if rights.contains('w') {
        mask.system = mask.system | SystemFlags::ANSWERED | SystemFlags::FLAGGED | SystemFlags::DRAFT;
        mask.keywords = KeywordMask::All;
    }
    mask
}

/// Whether somebody with these rights may change a flag.
pub(super) fn may_change(flag: &Flag, rights: Rights) -> bool {
    rights.contains(match flag {
        Flag::Seen => 's',
        Flag::Deleted => 't',
        _ => 'w',
    })
}

/// The mailbox has no place for what a name would make.
pub(super) fn not_here() -> Refusal {
    Refusal::new("No mailbox can be there").with_code(ResponseCode::Cannot)
}
