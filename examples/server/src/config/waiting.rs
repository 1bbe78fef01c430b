//! What of a configuration takes a restart.

use super::Config;

impl Config {
    /// The keys in which another configuration differs from the one the server was started with, without those that
    /// are taken while it runs: certificates and limits.
    pub fn waiting(&self, other: &Self) -> Vec<&'static str> {
        // Every field: one that is added has to be decided on.
        let Self {
            hostname,
            data,
            listen,
            tls,
            limits: _,
            passwords,
            login,
            bans,
            greylisting,
            http,
            search,
            backups,
            run_as,
            proxies,
            retention,
            pop3,
            public_account,
            file: _,
        } = self;
        [
            ("hostname", *hostname != other.hostname),
            ("data", *data != other.data),
            ("[listen]", *listen != other.listen),
            // The files are read again, also others; whether there are any is decided at the start.
            ("[tls]", tls.is_some() != other.tls.is_some()),
            ("[tls.acme]", self.acme() != other.acme()),
            ("[passwords]", *passwords != other.passwords),
            ("[login]", *login != other.login),
            ("[bans]", *bans != other.bans),
            ("[greylisting]", *greylisting != other.greylisting),
            ("[http]", *http != other.http),
            ("[search]", *search != other.search),
            ("[backups]", *backups != other.backups),
            ("[run_as]", *run_as != other.run_as),
            ("[proxies]", *proxies != other.proxies),
            ("[retention]", *retention != other.retention),
            ("[pop3]", *pop3 != other.pop3),
            ("public_account", *public_account != other.public_account),
        ]
        .into_iter()
        .filter_map(|(name, differs)| differs.then_some(name))
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b14_what_takes_a_restart_is_named() {
        let before = Config::new("mail.x.test", "d");
        let mut after = before.clone();
        after.limits.message_size = 7;
        after.limits.recipients = 7;
        after.limits.connections = 7;
        after.limits.connections_per_ip = 7;
        assert!(before.waiting(&after).is_empty());
        after.bans.minutes = 7;
        after.greylisting.known_after = 7;
        after.public_account = Some("public@x.test".to_owned());
        let named = ["[bans]", "[greylisting]", "public_account"];
        assert_eq!(before.waiting(&after), named);
    }
}
