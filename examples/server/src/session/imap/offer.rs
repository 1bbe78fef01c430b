//! What the server offers: every extension that is announced, in one place. What a client may use of it is decided by
//! the machine, what it does by the files beside this one.

use posthaste_imap::server::{Config, Extensions, TlsOffer};
use posthaste_imap::types::{QuotaResource, ThreadAlgorithm};

/// Everything that is implemented here.
pub(super) fn extensions() -> Extensions {
    Extensions::new()
        .with_imap4rev2()
        .with_list_extended()
        .with_list_status()
        .with_list_my_rights()
        .with_create_special_use()
        .with_status_size()
        .with_qresync()
        .with_utf8_accept()
        .with_compress()
        .with_binary()
        .with_multi_append()
        .with_replace()
        .with_acl()
        .with_metadata()
        .with_object_id()
        .with_save_date()
        .with_preview()
        .with_sort_display()
        .with_esort()
        .with_search_res()
        .with_within()
        .with_partial()
        .with_uid_only()
        .with_uid_batches()
        .with_multi_search()
        .with_notify()
        .with_in_progress()
        .with_i18n_level_1()
        .with_unauthenticate()
        .with_quota([QuotaResource::Storage, QuotaResource::Message])
        .with_thread([ThreadAlgorithm::OrderedSubject, ThreadAlgorithm::References])
}

/// The configuration of one machine.
pub(super) fn config(hostname: &str, tls: TlsOffer, mechanisms: Vec<String>, append_max: u64) -> Config {
    let mut config = Config::new(hostname);
    config.tls = tls;
    config.mechanisms = mechanisms;
    config.extensions = extensions();
    config.limits.append_max = append_max;
    config.limits.append_all_max = config.limits.append_all_max.max(append_max);
    config
}
