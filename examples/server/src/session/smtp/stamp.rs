//! What this server writes in front of a message (RFC 5321 4.4), and what it adds where a submitted one has nothing.
//!
//! Return-Path, then Delivered-To, then Received. Delivered-To only where the transaction has one recipient: a content
//! is stored once for all who get it, and nobody is to read there who else did.

use std::net::IpAddr;

use jiff::Timestamp;
use posthaste_smtp::server::{HelloVerb, Mode};
use posthaste_smtp::{ReversePath, Transaction};

use super::revise::Missing;
use super::{Message, Session};
use crate::directory::Account;

impl Session {
    /// The fields in front of a message.
    pub(super) fn stamp(&self, message: &Message, transaction: &Transaction) -> String {
        let host = &self.context.config.hostname;
        let name = self.hello.as_ref().map_or("unknown", |(name, _)| name.as_str());
        let peer = self.peer.map_or_else(
            || "unknown".to_owned(),
            |ip| match ip {
                IpAddr::V4(ip) => format!("[{ip}]"),
                IpAddr::V6(ip) => format!("[IPv6:{ip}]"),
            },
        );
        let date = rfc5322_date(Timestamp::now());
        let (delivered_to, for_one) = match (transaction.recipients(), message.taken.as_slice()) {
            ([one], [taken]) => {
                (format!("Delivered-To: {}\r\n", taken.address), format!("\r\n\tfor {}", one.path))
            }
            _ => (String::new(), String::new()),
        };
        let (with, id, from) = (self.with_protocol(), message.id, &message.from);
        format!(
            "Return-Path: {from}\r\n{delivered_to}Received: from {name} ({peer})\r\n\tby {host} with {with} id {id}{for_one};\r\n\t{date}\r\n"
        )
    }

    /// What a submitted message gets where it has nothing.
    pub(super) fn missing(&self, message: &Message, account: &Account) -> Missing {
        let from = match &message.from {
            ReversePath::Mailbox(mailbox) => mailbox.to_string(),
            ReversePath::Null => account.address.to_string(),
        };
        let message_id = format!("{}@{}", message.id, self.context.config.hostname);
        Missing { from, date: rfc5322_date(Timestamp::now()), message_id }
    }

    /// The name of the protocol in a Received field (RFC 3848).
    fn with_protocol(&self) -> &'static str {
        let tls = self.connection.security().is_tls();
        let extended = self.hello.as_ref().is_some_and(|(_, verb)| *verb != HelloVerb::Helo);
        match (self.mode, extended, tls, self.account.is_some()) {
            (Mode::Lmtp, _, false, _) => "LMTP",
            (Mode::Lmtp, _, true, _) => "LMTPS",
            (_, false, ..) => "SMTP",
            (_, true, false, false) => "ESMTP",
            (_, true, false, true) => "ESMTPA",
            (_, true, true, false) => "ESMTPS",
            (_, true, true, true) => "ESMTPSA",
        }
    }
}

/// A date as header fields have it (RFC 5322 3.3), in UTC.
fn rfc5322_date(now: Timestamp) -> String {
    now.to_zoned(jiff::tz::TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S %z").to_string()
}
