//! The ids of the messages and the names of their placeholders: `(name)` for values, `[name]` for a message that
//! depends on a number too. A new message is added here and to each file in `locales`.

use super::{
    catalog::MessageCatalog,
    filled::{FilledMessage, MAX_PLACEHOLDERS},
};

/// The shape of a message, the same in all languages.
#[derive(Clone, Copy, Debug)]
pub(super) struct MessageShape {
    /// The id of the message in files.
    pub(super) id: &'static str,
    /// The names of its placeholders, without `count`.
    pub(super) placeholders: &'static [&'static str],
    /// Whether it depends on a number, whose placeholder is `count`.
    pub(super) is_counted: bool,
}

macro_rules! shape {
    ($id:ident ($($name:ident),*)) => {
        shape!($id, [$(stringify!($name)),*], false)
    };
    ($id:ident [$($name:ident),*]) => {
        shape!($id, [$(stringify!($name)),*], true)
    };
    ($id:ident, $names:expr, $is_counted:literal) => {
        MessageShape { id: stringify!($id), placeholders: &$names, is_counted: $is_counted }
    };
}

macro_rules! method {
    ($id:ident ()) => {
        #[doc = concat!("The message `", stringify!($id), "`.")]
        pub fn $id(&self) -> &str {
            self.words(MessageId::$id as usize)
        }
    };
    ($id:ident ($($name:ident),+)) => {
        #[doc = concat!("The message `", stringify!($id), "`.")]
        pub fn $id<'a>(&'a self, $($name: &'a str),+) -> FilledMessage<'a> {
            self.filled(MessageId::$id as usize, &[$($name),+], 0)
        }
    };
    ($id:ident []) => {
        #[doc = concat!("The message `", stringify!($id), "`.")]
        pub fn $id(&self, count: u64) -> FilledMessage<'_> {
            self.filled(MessageId::$id as usize, &[], count)
        }
    };
    ($id:ident [$($name:ident),+]) => {
        #[doc = concat!("The message `", stringify!($id), "`.")]
        pub fn $id<'a>(&'a self, $($name: &'a str,)+ count: u64) -> FilledMessage<'a> {
            self.filled(MessageId::$id as usize, &[$($name),*], count)
        }
    };
}

macro_rules! messages {
    ($($id:ident $names:tt)*) => {
        /// The id of a message: its place in `MESSAGES`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[expect(non_camel_case_types, reason = "the names are the ids in files")]
        pub(super) enum MessageId {
            $($id),*
        }

        /// All messages, in the order of the table.
        pub(super) const MESSAGES: &[MessageShape] = &[$(shape!($id $names)),*];

        impl MessageCatalog {
            $(method!($id $names);)*
        }
    };
}

/// A message with more placeholders would have no place for their values.
const _: () = {
    let mut at = 0;
    while at < MESSAGES.len() {
        assert!(MESSAGES[at].placeholders.len() <= MAX_PLACEHOLDERS, "raise MAX_PLACEHOLDERS");
        at += 1;
    }
};

messages! {
    // All pages
    problem_title(title) cancel_and_go_back() continue_button() sign_in() sign_out()
    start_again() one_moment() use_another_account() signed_in_as(account)
    signing_in_as(account) account_line(account) you_sign_in_as(username) your_account()
    the_provider()
    // Days, times and durations
    date(day, month, year) date_time(date, time) month_1() month_2() month_3() month_4()
    month_5() month_6() month_7() month_8() month_9() month_10() month_11() month_12() seconds[]
    minutes[] hours[]
    // The sign-in page
    choose_account_title() to_continue_to(client) stranger(client) stranger_leads_to(place)
    document_client(host) program_on_device(place)
    continue_as(name) email_or_username() username() password() next_step() or_divider()
    continue_with(provider) provider_unreachable_note() nobody_can_sign_in()
    hint_sign_in_again() hint_other_person() hint_higher_level() sign_in_with_passkey()
    use_passkey() passkey_not_used() about_client(client) privacy_policy() terms_of_service()
    help_link() forgot_password()
    // Problems of a sign-in
    wrong_password() wrong_password_with_email() too_many_attempts(wait) too_many_people()
    unrouted_name() directory_refuses(provider, reason) directory_account_disabled()
    directory_account_expired() directory_password_expired() directory_password_change()
    directory_not_now() directory_not_here() directory_busy(provider) directory_silent(provider)
    passkey_wrong() passkey_replayed() passkey_cloned() passkey_not_alone(provider)
    too_many_passkeys()
    // The second factor
    enter_code_title() use_passkey_title() clock_differs_title() code_from_app()
    passkey_needs_javascript() change_needs_passkey() lost_everything() no_phone() recovery_code() use_recovery_code()
    without_passkeys() without_phone() code_wrong() code_replayed() code_of_other_time()
    too_many_codes(wait) recover_on_account_page() to_account_page()
    // The page for a person without the factor that the tenant requires
    app_missing_title() app_missing_lead() passkey_missing_title() passkey_missing_lead()
    passkey_missing_set_up() ask_for_invitation() missing_factor_of_provider(provider)
    // The consent page
    allow_title(client) allow_lead() allow_button() cancel_button() scope_openid()
    scope_openid_detail() scope_profile() scope_profile_detail() scope_email() scope_address()
    scope_phone() scope_groups() scope_tenant() scope_tenant_detail() scope_offline()
    scope_offline_detail() scope_claim(claim) resource_lead() resource_claim(claim) resource_use()
    // The pages for devices
    device_title() device_lead() device_code_label() device_advice() device_code_wrong()
    too_many_device_codes(wait) device_compare() device_asked(time, address) device_not_you()
    device_allowed_title() device_allowed_text(client) device_refused_title()
    device_refused_text() device_unmet_text(client) device_close() device_over_title()
    device_over_text() device_over_advice()
    // Requests of applications that wait for an answer
    request_lead(client) request_compare(client) request_asked(time, address) request_not_you()
    requests_heading() request_message(message) answer_request_button()
    answer_request_label(client) request_allowed() request_refused() request_unmet()
    request_over()
    // The page for a person who may not use an application
    refused_title(client) refused_lead() refused_advice() back_to_client(client)
    // Between the pages
    form_post_title() form_post_lead() you_sign_in_with(provider) session_frame_title()
    // Signing out
    sign_out_title() client_asks_to_sign_out(client) you_are_signed_in_as(account)
    signing_out_ends_session() stay_signed_in() signed_out_title() signed_out_close()
    signed_out_here_title() signing_out_of_provider(provider) still_signed_in_at(provider)
    back_to_application() signing_out_frame() still_signed_in_title() nothing_changed_close()
    not_signed_in_title() not_signed_in_lead()
    // The page at the base URL
    landing_title() landing_lead() landing_advice() landing_demo() landing_details()
    landing_software() landing_software_value() landing_issuers() landing_list()
    // Choosing a password
    welcome_title() invited_lead(tenant) change_password_title() change_password_lead()
    new_password() password_rule(min) same_password_again() save_password()
    password_too_short(min) password_too_long() passwords_differ()
    password_guessable(reason, advice) guess_rows() guess_keyboard() guess_repeats()
    guess_repeated_words() guess_top_10() guess_top_100() guess_common() guess_similar()
    guess_sequences() guess_years() guess_word() guess_dates() guess_names() guess_near_a_word()
    advice_add_words() advice_few_words() advice_no_symbols() advice_capitals()
    advice_all_capitals() advice_reversed() advice_substitutions() advice_longer_keyboard()
    advice_no_repeats() advice_no_sequences() advice_no_years() advice_no_own_years()
    advice_no_own_dates()
    // A new password for people who forgot theirs
    forgot_password_lead() send_reset_mail() reset_mail_sent_title() reset_mail_sent_lead()
    reset_mail_sent_advice() reset_title() reset_lead() reset_damaged_text()
    reset_damaged_advice() reset_page_expired() reset_open_again() no_reset_title()
    no_reset_text() no_reset_advice() too_many_resets_title() too_many_resets_text()
    too_many_resets_advice() reset_used_title() reset_used_text() reset_expired_title()
    reset_expired_text() reset_ask_again() reset_withdrawn_title() reset_withdrawn_text()
    reset_withdrawn_advice()
    // Mail
    mail_hello(name) invitation_mail_subject(service) invitation_mail_text(service)
    invitation_mail_end(time) invitation_mail_unknown(service) reset_mail_subject(service)
    reset_mail_text(username, service) reset_mail_once() reset_mail_not_you()
    request_mail_subject(application, service) request_mail_open()
    request_mail_text(application, service, time, address) request_mail_not_you(service)
    notice_mail_subject(service, change) notice_mail_text(change, service, time, address)
    notice_mail_was_you() notice_mail_not_you(service) notice_password_chosen()
    notice_app_set_up() notice_app_removed() notice_passkey_set_up() notice_passkey_removed()
    notice_codes_made() notice_code_used() notice_passkey_copied() notice_signed_out_everywhere()
    notice_access_withdrawn() notice_mail_copied()
    // The account page
    account_title() account_managed_here() account_from_provider(provider)
    account_here_by_provider(provider) my_applications() no_applications()
    pages_of_my_applications() pages_of_access() pages_of_sessions() previous_page() next_page()
    page_of(number, count) signing_in_heading() password_chosen_on(date) change_button()
    change_password_label() passkey_badge() change_passkey_label(name) passkeys_heading()
    another_passkey_heading() passkeys_offer() set_up_button() set_up_passkey_label()
    app_heading() app_set_up_on(date) app_offer() remove_button() remove_app_label()
    set_up_app_label() change_app_label() recovery_codes_heading() no_codes_left() codes_left[] new_codes_button()
    new_codes_label() access_heading() no_access() unverified_application()
    document_application(host)
    unverified_leads_to(places) places_and_more[places] access_since(date) more_details[] withdraw_button()
    withdraw_label(client) sessions_heading() this_browser() sign_out_of_this_label()
    sign_out_of_label(browser) sign_out_everywhere() sign_out_everywhere_text()
    session_began(time) session_began_from(time, address) session_began_with(time, provider)
    session_began_with_from(time, provider, address) used_just_now() used_minutes_ago[]
    used_hours_ago[] used_days_ago[] unknown_browser() browser_on_system(browser, system)
    some_browser_on(system)
    // Notices of the account page
    session_ended() access_withdrawn() app_exists() app_removed() passkey_is_set_up()
    passkey_exists() passkey_renamed() passkey_removed() password_changed() app_is_set_up()
    codes_replaced() codes_of_other_page() required_factor_kept()
    // Setting up an authenticator app
    app_setup_title() app_setup_lead() app_setup_scan() qr_label() app_cannot_scan()
    app_setup_key() app_setup_type() code_label() confirm_button() invited_app_lead(tenant)
    // Passkeys
    passkey_setup_title() passkey_setup_lead() passkey_setup_javascript() passkey_setup_exists()
    passkey_setup_failed() passkey_setup_refused() invited_passkey_lead(tenant)
    passkey_needs_javascript_here() passkey_name() passkey_unnamed()
    create_passkey() default_passkey_name() change_passkey_title() save_name()
    remove_passkey_text() remove_passkey() passkey_set_up_on(date) passkey_last_used_on(date)
    passkey_never_used() passkey_on_several_devices() passkey_on_one_device()
    passkey_refused_since(date)
    // Recovery codes
    recovery_codes_title() recovery_codes_text() recovery_codes_once() recovery_codes_list()
    recovery_codes_kept()
    // Errors
    error_details() error_label() request_label() unknown_application_title()
    unknown_application_text() unknown_application_advice() server_error_title()
    server_error_text() unavailable_title() unavailable_text() wait_advice() not_allowed_title()
    not_allowed_text() invalid_request_title() invalid_request_text() return_advice()
    not_found_title() unknown_issuer_title() not_found_text() not_found_advice()
    // Pages and forms that lead no further
    form_invalid_title() link_invalid_title() page_invalid_title() page_unusable_title()
    page_expired_title() session_changed_title() form_unreadable() page_was_open_too_long()
    page_of_other_browser() session_changed_text() signed_out_meanwhile() sign_in_over()
    start_again_advice() dead_end_advice() account_page_expired() account_page_expired_advice()
    other_authenticator_title() other_authenticator_text() other_authenticator_advice()
    // Invitations
    invitation_page_expired() invitation_open_again() setup_interrupted_title()
    setup_interrupted_text() setup_again_advice() invitation_damaged_text()
    invitation_damaged_advice() invitation_used_title() invitation_used_text()
    invitation_used_advice() invitation_expired_title() invitation_expired_text()
    invitation_expired_advice() invitation_withdrawn_title() invitation_withdrawn_text()
    invitation_withdrawn_advice() account_blocked_title() account_blocked_text() ask_inviter()
    no_passwords_title() no_passwords_text() no_passwords_advice() passwords_not_kept_title()
    passwords_not_kept_text() tell_inviter()
    // A sign-in at an identity provider that did not succeed
    provider_gone_title() provider_gone_text() provider_gone_advice() cannot_sign_in_title()
    domain_unavailable_text() domain_unavailable_advice()
    provider_not_admitted(provider) provider_unknown_account(provider)
    provider_no_organization(provider) ask_for_access() ask_to_be_added()
    provider_denied_title(provider) provider_denied_text(provider) provider_denied_advice()
    provider_silent_title(provider) provider_silent_text(provider) try_in_a_moment()
    provider_unusable_title(provider) provider_unusable_text(provider)
    request_too_long_title() request_too_long_text(provider)
    too_many_people_title() too_many_people_text(provider)
    provider_claims_text(provider) provider_answer_title(provider)
    provider_answer_text(provider) ask_administrator() level_unmet_title()
    level_unmet_text(provider) level_unmet_advice(provider) not_fresh_title()
    not_fresh_text(provider) not_fresh_advice(provider) no_sign_in_time_title()
    no_sign_in_time_text(provider) no_sign_in_time_advice(provider)
}
