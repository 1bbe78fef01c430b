//! Quotas, access rights and annotations (RFC 9208, RFC 4314, RFC 5464).

use posthaste_imap::client::Event;
use posthaste_imap::types::{
    AString, Acl, Command, GetMetadata, ListRights, Mailbox, MetadataData, MetadataEntry, QuotaLimit,
    QuotaUsage, Rights, RightsChange,
};

use super::Error;
use super::client::Client;

/// A quota root and how much of it is used.
pub type Quota = (AString, Vec<QuotaUsage>);

/// Quotas (RFC 9208).
impl Client {
    /// How much of a quota root is used.
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command); so with all calls below.
    pub async fn quota(&self, root: AString) -> Result<Vec<QuotaUsage>, Error> {
        self.usage(Command::GetQuota(root)).await
    }

    /// The quota roots of a mailbox, and how much of each is used.
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn quota_root(&self, mailbox: Mailbox) -> Result<Vec<Quota>, Error> {
        self.all_told(Command::GetQuotaRoot(mailbox), quota).await
    }

    /// Sets the limits of a quota root, and tells how much is used; a resource that is not named has no limit then.
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn set_quota(
        &self,
        root: AString,
        limits: impl Into<Vec<QuotaLimit>>,
    ) -> Result<Vec<QuotaUsage>, Error> {
        self.usage(Command::SetQuota { root, limits: limits.into() }).await
    }

    async fn usage(&self, command: Command) -> Result<Vec<QuotaUsage>, Error> {
        let told = self.all_told(command, quota).await?;
        Ok(told.into_iter().flat_map(|(_, resources)| resources).collect())
    }
}

/// Access rights (RFC 4314).
impl Client {
    /// Who may do what with a mailbox.
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn acl(&self, mailbox: Mailbox) -> Result<Acl, Error> {
        let told = self.owed(Command::GetAcl(mailbox), |event| match event {
            Event::Acl(acl) => Some(acl),
            _ => None,
        });
        told.await
    }

    /// Changes what `identifier` may do.
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn set_acl(
        &self,
        mailbox: Mailbox,
        identifier: AString,
        change: RightsChange,
    ) -> Result<(), Error> {
        self.run(Command::SetAcl { mailbox, identifier, change }).await
    }

    /// Takes all rights of `identifier`.
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn delete_acl(&self, mailbox: Mailbox, identifier: AString) -> Result<(), Error> {
        self.run(Command::DeleteAcl { mailbox, identifier }).await
    }

    /// Which rights `identifier` can be given.
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn list_rights(&self, mailbox: Mailbox, identifier: AString) -> Result<ListRights, Error> {
        let told = self.owed(Command::ListRights { mailbox, identifier }, |event| match event {
            Event::ListRights(rights) => Some(rights),
            _ => None,
        });
        told.await
    }

    /// What the user may do with a mailbox.
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn my_rights(&self, mailbox: Mailbox) -> Result<Rights, Error> {
        let told = self.owed(Command::MyRights(mailbox), |event| match event {
            Event::MyRights { rights, .. } => Some(rights),
            _ => None,
        });
        told.await
    }
}

/// Annotations (RFC 5464).
impl Client {
    /// Entries of a mailbox, or of the server where the name is empty.
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn metadata(&self, entries: GetMetadata) -> Result<Vec<MetadataEntry>, Error> {
        let values = self.all_told(Command::GetMetadata(entries), |event| match event {
            Event::Metadata(metadata) => match metadata.data {
                MetadataData::Values(values) => Some(values),
                MetadataData::Changed(_) => None,
            },
            _ => None,
        });
        Ok(values.await?.into_iter().flatten().collect())
    }

    /// Sets entries, or removes those whose value is `None`.
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn set_metadata(
        &self,
        mailbox: Mailbox,
        entries: impl Into<Vec<MetadataEntry>>,
    ) -> Result<(), Error> {
        self.run(Command::SetMetadata { mailbox, entries: entries.into() }).await
    }
}

fn quota(event: Event) -> Option<Quota> {
    match event {
        Event::Quota { root, resources } => Some((root, resources)),
        _ => None,
    }
}
