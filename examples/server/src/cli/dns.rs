//! The command `dns`.

use clap::Args;

use super::{Common, show, text};
use crate::directory::normalise_domain;
use crate::discovery::Zone;

/// What of DNS a domain needs.
#[derive(Debug, Args)]
pub(super) struct Dns {
    /// The domain, as in example.org.
    domain: String,
}

impl Dns {
    pub(super) fn run(&self, common: &Common) -> Result<(), String> {
        let domain = normalise_domain(&self.domain).map_err(text)?;
        let zone = Zone::of(&common.load()?, &domain);
        if common.json { show::json(&zone) } else { show::print(&zone.to_string()) }
    }
}
