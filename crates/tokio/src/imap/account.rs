//! Quotas, access rights and annotations (RFC 9208, RFC 4314, RFC 5464).

use posthaste_imap::client::Event;
use posthaste_imap::types::{
    AString, Acl, Command, GetMetadata, ListRights, Mailbox, MetadataData, MetadataEntry, QuotaLimit,
    QuotaUsage, Rights, RightsChange,
};

use super::client::{Answer, Client};
use super::{Cause, Error, Phase};

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
        let answer = self.ask(Command::GetQuota(root)).await?;
        Ok(quotas(answer).into_iter().flat_map(|(_, resources)| resources).collect())
    }

    /// The quota roots of a mailbox, and how much of each is used.
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn quota_root(&self, mailbox: Mailbox) -> Result<Vec<Quota>, Error> {
        Ok(quotas(self.ask(Command::GetQuotaRoot(mailbox)).await?))
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
        let answer = self.ask(Command::SetQuota { root, limits: limits.into() }).await?;
        Ok(quotas(answer).into_iter().flat_map(|(_, resources)| resources).collect())
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
        let answer = self.ask(Command::GetAcl(mailbox)).await?;
        self.told(answer, |event| match event {
            Event::Acl(acl) => Some(acl),
            _ => None,
        })
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
        self.ask(Command::SetAcl { mailbox, identifier, change }).await.map(drop)
    }

    /// Takes all rights of `identifier`.
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn delete_acl(&self, mailbox: Mailbox, identifier: AString) -> Result<(), Error> {
        self.ask(Command::DeleteAcl { mailbox, identifier }).await.map(drop)
    }

    /// Which rights `identifier` can be given.
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn list_rights(&self, mailbox: Mailbox, identifier: AString) -> Result<ListRights, Error> {
        let answer = self.ask(Command::ListRights { mailbox, identifier }).await?;
        self.told(answer, |event| match event {
            Event::ListRights(rights) => Some(rights),
            _ => None,
        })
    }

    /// What the user may do with a mailbox.
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn my_rights(&self, mailbox: Mailbox) -> Result<Rights, Error> {
        let answer = self.ask(Command::MyRights(mailbox)).await?;
        self.told(answer, |event| match event {
            Event::MyRights { rights, .. } => Some(rights),
            _ => None,
        })
    }

    /// What was told, which the server owes with an OK.
    fn told<T>(&self, answer: Answer, of: impl Fn(Event) -> Option<T>) -> Result<T, Error> {
        let status = answer.status.clone();
        answer.find(of).ok_or_else(|| self.error(Phase::Query, Cause::Refused(status)))
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
        let answer = self.ask(Command::GetMetadata(entries)).await?;
        let values = answer.data.into_iter().filter_map(|event| match event {
            Event::Metadata(metadata) => match metadata.data {
                MetadataData::Values(values) => Some(values),
                MetadataData::Changed(_) => None,
            },
            _ => None,
        });
        Ok(values.flatten().collect())
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
        self.ask(Command::SetMetadata { mailbox, entries: entries.into() }).await.map(drop)
    }
}

fn quotas(answer: Answer) -> Vec<Quota> {
    let told = answer.data.into_iter().filter_map(|event| match event {
        Event::Quota { root, resources } => Some((root, resources)),
        _ => None,
    });
    told.collect()
}
