//! What every store promises, one promise a test, asked through the trait alone. A store of another kind adds a
//! [`Maker`] and nothing else.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::clone_on_ref_ptr,
    reason = "test code"
)]

#[path = "store_conformance/accounts.rs"]
mod accounts;
#[path = "store_conformance/content.rs"]
mod content;
#[path = "store_conformance/delivery.rs"]
mod delivery;
#[path = "store_conformance/flags.rs"]
mod flags;
#[path = "store_conformance/mailboxes.rs"]
mod mailboxes;
#[path = "store_conformance/messages.rs"]
mod messages;
#[path = "store_conformance/news.rs"]
mod news;
#[path = "store_conformance/sharing.rs"]
mod sharing;
#[path = "support/stores.rs"]
mod stores;
#[path = "store_conformance/upkeep.rs"]
mod upkeep;

use std::pin::Pin;

use stores::{Maker, SQLITE, Stage};

/// A promise: what is done on a stage of its own.
type Promise = fn(Stage) -> Pin<Box<dyn Future<Output = ()>>>;

/// Runs one promise on one kind of store.
fn keeps(maker: Maker, promise: Promise) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { promise(Stage::new(maker).await).await });
}

/// Names the promises of the suite, and has each kept by each kind of store.
macro_rules! suite {
    ($($module:ident: $($promise:ident),* $(,)?;)*) => {
        mod sqlite {
            $(mod $module {
                $(#[test]
                fn $promise() {
                    crate::keeps(crate::SQLITE, |stage| Box::pin(crate::$module::$promise(stage)));
                })*
            })*
        }
    };
}

suite! {
    accounts:
        records_are_changed_by_who_has_seen_them,
        a_commit_is_all_or_nothing,
        an_account_has_its_mailboxes_subscribed,
        an_account_id_is_never_used_again,
        emptying_and_removing_an_account_takes_its_mail,
        what_is_delivered_after_the_end_of_an_account_is_refused,
        usage_counts_copies_and_not_what_is_expunged;
    content:
        parts_of_many_contents_come_at_once,
        a_message_comes_back_as_it_was_whole_and_in_parts,
        what_is_being_read_can_be_read_to_its_end,
        summaries_come_in_the_order_of_the_question,
        rfc1939_11_contents_with_other_lines_are_known,
        search_02_may_contain_has_all_that_contain;
    delivery:
        one_delivery_is_one_content_in_all_mailboxes,
        st_03_the_quota_holds_for_every_way_in,
        each_delivery_has_its_own_outcome,
        q_08_a_delivery_with_a_key_happens_once,
        a_missing_mailbox_is_made,
        conversations_are_found_by_ids_and_kept;
    flags:
        flags_change_only_where_they_differ,
        unchanged_since_leaves_newer_messages,
        flags_outside_of_the_mask_stay,
        runs_of_flags_and_keywords_stay_apart,
        what_is_known_is_believed_while_it_holds,
        a_message_has_the_newest_of_its_flags,
        imap_21_a_mailbox_has_a_bounded_number_of_keywords;
    mailboxes:
        mbx_06_creating_renaming_and_deleting,
        mbx_03_inbox_can_be_renamed_but_never_goes,
        mbx_05_the_number_of_mailboxes_is_bounded,
        a_special_use_is_that_of_one_mailbox,
        subscriptions_are_names,
        status_counts,
        recent_is_claimed_once;
    messages:
        imap_20_a_multiappend_that_fails_appends_nothing,
        uids_are_not_used_again,
        copying_and_moving_answer_pairs_of_uids,
        moving_between_accounts_needs_room,
        replacing_counts_the_difference,
        expunging_takes_what_is_asked_for;
    news:
        changed_since_tells_what_came_changed_and_went,
        expunged_messages_are_remembered_within_bounds,
        listeners_hear_of_a_commit_before_its_caller,
        a_failed_operation_says_nothing;
    sharing:
        grants_are_given_and_taken,
        names_in_access_lists_are_renamed_and_forgotten,
        a_new_mailbox_has_the_grants_of_the_one_above,
        annotations_are_of_a_mailbox_an_account_or_a_user,
        annotations_are_bounded;
    upkeep:
        expunged_mail_can_be_had_back,
        purging_lets_go_for_good,
        st_03_what_is_deleted_is_bounded_by_the_room_of_its_account,
        st_03_what_is_deleted_is_bounded_without_a_quota_too,
        rel_28_a_backup_is_a_store,
        rel_28_a_copy_calls_no_message_what_the_original_calls_another,
        rel_30_a_sound_store_has_no_findings,
        rel_22_everything_is_there_after_reopening,
        group_commit_needs_fewer_transactions_than_operations,
        a_closed_store_says_so,
        rel_17_a_second_server_is_refused;
}
