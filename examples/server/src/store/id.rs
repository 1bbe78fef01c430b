//! What things are called by, one type each, so that a mailbox can not be taken for an account.

macro_rules! id {
    ($name:ident, $doc:literal) => {
        #[doc = $doc]
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub i64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(AccountId, "An account. Never used again after the account is removed.");
id!(MailboxId, "A mailbox, under whatever name. Never used again after the mailbox is deleted.");
id!(BlobId, "The content of a message, shared by all its copies. Never used again.");
id!(ThreadId, "A conversation in an account. Never used again.");
