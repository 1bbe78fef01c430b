//! The reference mail server, built on the Posthaste protocol crates.
//!
//! One binary, one data directory, no other service. A connection enters through [`listen`], speaks one
//! protocol, asks the [`directory`] who somebody is and the [`store`] for mailboxes and messages. The
//! [`cli`] works on the same data directory, also while the server runs.
//!
//! | module | decides |
//! | --- | --- |
//! | [`config`] | what the configuration file may say |
//! | [`tls`] | which certificates the server shows |
//! | [`acme`] | how it orders and renews them by itself |
//! | [`directory`] | domains, accounts, passwords, quotas |
//! | [`store`] | mailboxes, messages, flags, durability |
//! | [`index`] | what is in memory of mailboxes that are open |
//! | [`discovery`] | what mail programs and DNS are told of the server |
//! | [`greylist`] | whose mail waits until it is tried again |
//! | [`ingest`] | what is computed once when a message comes in |
//! | [`trace`] | what became of each message |
//! | [`exchange`] | what mail looks like in files of other programs |
//! | [`disk`] | how much room there is |
//! | [`health`] | whether the server can do its work |
//! | [`metrics`] | what is counted, for whoever watches |
//! | [`listen`] | which ports are open and who serves them |
//! | [`session`] | what each protocol does with the store |
//! | [`demo`] | a server for trying out, with nothing to set up |
//! | [`admin`] | what can be administered, by whom, and over HTTP |
//! | [`cli`] | the commands of the administrator |
//! | [`log`] | what the log looks like |

pub mod acme;
pub mod admin;
pub mod cli;
pub mod config;
pub mod demo;
pub mod directory;
pub mod discovery;
pub mod disk;
pub mod exchange;
pub mod greylist;
pub mod health;
pub mod index;
pub mod ingest;
pub mod listen;
pub mod log;
pub mod metrics;
pub mod session;
pub mod store;
pub mod tls;
pub mod trace;
