//! How much room there is: GETQUOTA, GETQUOTAROOT (RFC 9208).
//!
//! Each account is one quota root, called by its address. What somebody else keeps is not told, though mailboxes of
//! theirs can be seen: of those there is no root.

use posthaste_imap::server::{Asked, GetQuota, GetQuotaRoot, Refusal};
use posthaste_imap::types::{AString, QuotaResource, QuotaUsage};

use super::access::Failure;
use super::{Outcome, Session};
use crate::store::StoreError;

impl Session {
    pub(super) async fn get_quota(&mut self, asked: Asked<GetQuota>) -> Outcome {
        let own = self.own().map(|own| own.address.to_string()).unwrap_or_default();
        let usage = if asked.root.to_str().is_some_and(|root| root.eq_ignore_ascii_case(&own)) {
            self.quota().await.map_err(Failure::from)
        } else {
            Err(Refusal::new("No such quota root")
                .with_code(posthaste_imap::types::ResponseCode::NonExistent)
                .into())
        };
        self.sync().await?;
        let server = self.connection.machine();
        match usage {
            Ok(usage) => asked.ok(server, usage)?,
            Err(failure) => asked.no(server, failure.refusal())?,
        }
        Ok(())
    }

    pub(super) async fn get_quota_root(&mut self, asked: Asked<GetQuotaRoot>) -> Outcome {
        let roots = match self.reach(&asked.mailbox, "r").await {
            Ok(reached) if self.own_id().is_ok_and(|own| reached.is_own(own)) => self.roots().await,
            Ok(_) => Ok(Vec::new()),
            Err(failure) => Err(failure),
        };
        self.sync().await?;
        let server = self.connection.machine();
        match roots {
            Ok(roots) => asked.ok(server, roots)?,
            Err(failure) => asked.no(server, failure.refusal())?,
        }
        Ok(())
    }

    async fn roots(&self) -> Result<Vec<(AString, Vec<QuotaUsage>)>, Failure> {
        let name = AString::new(self.own()?.address.to_string());
        let usage = self.quota().await?;
        Ok(name.ok().map(|name| (name, usage)).into_iter().collect())
    }

    async fn quota(&self) -> Result<Vec<QuotaUsage>, StoreError> {
        let own = self.own()?;
        let room = self.context.directory.room(own);
        let used = self.context.store.usage(own.id).await?;
        // RFC 9208 5.1: in units of 1,024 octets.
        let storage = room.octets.map(|limit| QuotaUsage {
            resource: QuotaResource::Storage,
            usage: used.octets.div_ceil(1024),
            limit: limit / 1024,
        });
        let messages = room.messages.map(|limit| QuotaUsage {
            resource: QuotaResource::Message,
            usage: used.messages,
            limit,
        });
        Ok(storage.into_iter().chain(messages).collect())
    }
}
