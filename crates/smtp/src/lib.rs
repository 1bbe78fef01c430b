//! SMTP, submission and LMTP without I/O: codec, session rules, server and client machine.
#![no_std]
#![warn(clippy::arithmetic_side_effects, clippy::as_conversions)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects, clippy::as_conversions, reason = "tests may panic"))]

extern crate alloc;

pub mod client;
mod encode;
mod error;
mod limits;
mod parse;
pub mod server;
mod session;
mod types;

pub use error::{ParseError, ProtocolError, Violation};
pub use limits::Limits;
pub use parse::reply::ReplyReader;
pub use types::{
    AuthIdentity, BodyType, Capabilities, Capability, ClientName, Command, Domain, EnhancedStatus, Envelope,
    ForwardPath, InitialResponse, LocalPart, MailParameters, Mailbox, Mechanism, Parameter, RcptParameters,
    Rejection, Reply, ReplyClass, ReversePath, Text, Transaction,
};

pub use bytes::Bytes;
pub use posthaste_wire::{Layer, Machine, Misuse, Secret, Security, Step, Time, Upgrade};
