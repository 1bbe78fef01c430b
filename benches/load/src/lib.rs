//! Load on mail servers, ours and other people's, over SMTP, LMTP, IMAP and POP3, that checks what comes back.
//!
//! Every message is made from a seed and a number ([`content`]), so that any copy of it that a server gives back can be
//! compared octet for octet, and one that is lost or there twice is found. A workload is a setup that is not measured
//! and operations that are ([`workload`]); what they took, here and in the processes of the server ([`process`]), is one
//! [`Report`](report::Report). The binary `posthaste-load` is the command line over it.
//!
//! | module | decides |
//! | --- | --- |
//! | [`target`] | where a server is, and who logs in |
//! | [`content`] | what messages look like |
//! | [`workload`] | who works when, and for how long |
//! | [`histogram`], [`process`], [`report`] | what is measured, and how it is shown |
//! | [`imap`] | an IMAP session on the machine, with nothing around it |
//! | [`held`] | when a machine is told of an answer: when it is complete, and its time is known |
//! | [`deliver`], [`login`], [`mix`], [`append`], [`mailbox`], [`idle`], [`latency`], [`pop3`], [`fill`] | the workloads |
//! | [`audit`] | which messages are lost, there twice or changed |
//! | [`cli`] | the command line |

pub mod append;
pub mod audit;
pub mod cli;
pub mod content;
pub mod deliver;
pub mod fill;
pub mod held;
pub mod histogram;
pub mod idle;
pub mod imap;
pub mod latency;
pub mod login;
pub mod mailbox;
pub mod mix;
pub mod pop3;
pub mod process;
pub mod report;
pub mod target;
pub mod workload;

/// Why a workload cannot go on.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The connection failed, or the server left the protocol.
    #[error("{0}")]
    Connection(String),
    /// The server said no.
    #[error("{what}: the server refuses: {said}")]
    Refused {
        /// To what.
        what: String,
        /// Its words.
        said: String,
    },
    /// The server does not offer what the workload needs. No fault of the run.
    #[error("not offered: {0}")]
    NotOffered(String),
    /// The command line asks for something that makes no sense.
    #[error("{0}")]
    Usage(String),
    /// A file cannot be read or written.
    #[error("{0}")]
    File(String),
}

impl LoadError {
    /// What went wrong with a connection.
    pub fn connection(error: impl std::fmt::Display) -> Self {
        Self::Connection(error.to_string())
    }
}
