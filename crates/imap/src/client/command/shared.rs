//! Quotas, access rights and metadata (RFC 9208, RFC 4314, RFC 5464).

use super::Result;
use crate::client::Client;
use crate::types::{AString, Command, GetMetadata, Mailbox, MetadataEntry, QuotaLimit, RightsChange};
use alloc::vec::Vec;

/// Quotas (RFC 9208).
impl Client {
    /// Asks how much of a quota root is used.
    ///
    /// # Errors
    /// As [`Client::command`].
    pub fn quota(&mut self, root: AString) -> Result {
        self.command(Command::GetQuota(root))
    }

    /// Asks for the quota roots of a mailbox, and how much of each is used.
    ///
    /// # Errors
    /// As [`Client::command`].
    pub fn quota_root(&mut self, mailbox: Mailbox) -> Result {
        self.command(Command::GetQuotaRoot(mailbox))
    }

    /// Sets the limits of a quota root; a resource that is not named has none then.
    ///
    /// # Errors
    /// As [`Client::command`].
    pub fn set_quota(&mut self, root: AString, limits: Vec<QuotaLimit>) -> Result {
        self.command(Command::SetQuota { root, limits })
    }
}

/// Access rights (RFC 4314).
impl Client {
    /// Asks who may do what with a mailbox.
    ///
    /// # Errors
    /// As [`Client::command`].
    pub fn acl(&mut self, mailbox: Mailbox) -> Result {
        self.command(Command::GetAcl(mailbox))
    }

    /// Changes what `identifier` may do.
    ///
    /// # Errors
    /// As [`Client::command`].
    pub fn set_acl(&mut self, mailbox: Mailbox, identifier: AString, change: RightsChange) -> Result {
        self.command(Command::SetAcl { mailbox, identifier, change })
    }

    /// Takes all rights of `identifier`.
    ///
    /// # Errors
    /// As [`Client::command`].
    pub fn delete_acl(&mut self, mailbox: Mailbox, identifier: AString) -> Result {
        self.command(Command::DeleteAcl { mailbox, identifier })
    }

    /// Asks which rights `identifier` can be given.
    ///
    /// # Errors
    /// As [`Client::command`].
    pub fn list_rights(&mut self, mailbox: Mailbox, identifier: AString) -> Result {
        self.command(Command::ListRights { mailbox, identifier })
    }

    /// Asks what the user may do with a mailbox.
    ///
    /// # Errors
    /// As [`Client::command`].
    pub fn my_rights(&mut self, mailbox: Mailbox) -> Result {
        self.command(Command::MyRights(mailbox))
    }
}

/// Metadata (RFC 5464).
impl Client {
    /// Asks for entries of a mailbox, or of the server where the name is empty.
    ///
    /// # Errors
    /// As [`Client::command`]; also when there is no entry.
    pub fn metadata(&mut self, entries: GetMetadata) -> Result {
        self.command(Command::GetMetadata(entries))
    }

    /// Sets entries, or removes those whose value is `None`.
    ///
    /// # Errors
    /// As [`Client::command`]; also when there is no entry.
    pub fn set_metadata(&mut self, mailbox: Mailbox, entries: Vec<MetadataEntry>) -> Result {
        self.command(Command::SetMetadata { mailbox, entries })
    }
}
