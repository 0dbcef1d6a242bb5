//! The tables of modules of the plans, some of them for each response type.

/// Defines a test for each module, in a variant.
macro_rules! modules {
    ($variant:expr => $($module:ident),+ $(,)?) => {
        $(
            #[tokio::test]
            async fn $module() {
                let op = crate::conformance::op::Op::start().await;
                crate::conformance::modules::$module(&op, $variant).await;
            }
        )+
    };
}

/// The modules of every plan of OIDC Core.
macro_rules! core_table {
    ($variant:expr) => {
        modules! { $variant =>
            oidcc_server,
            oidcc_idtoken_signature,
            oidcc_scope_profile,
            oidcc_scope_email,
            oidcc_scope_address,
            oidcc_scope_phone,
            oidcc_scope_all,
            oidcc_alternate_happy_flow,
            oidcc_display_page,
            oidcc_display_popup,
            oidcc_prompt_login,
            oidcc_prompt_none_not_logged_in,
            oidcc_prompt_none_logged_in,
            oidcc_max_age_1,
            oidcc_max_age_10000,
            oidcc_ensure_request_with_unknown_parameter_succeeds,
            oidcc_id_token_hint,
            oidcc_login_hint,
            oidcc_ui_locales,
            oidcc_claims_locales,
            oidcc_ensure_request_with_acr_values_succeeds,
            oidcc_ensure_registered_redirect_uri,
            oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported,
            oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported,
            oidcc_claims_essential,
            oidcc_ensure_request_object_with_redirect_uri,
        }
    };
}

/// The modules that need an access token.
macro_rules! userinfo_table {
    ($variant:expr) => {
        modules! { $variant =>
            oidcc_userinfo_get,
            oidcc_userinfo_post_header,
            oidcc_userinfo_post_body,
        }
    };
}

/// The modules that need a code.
macro_rules! code_table {
    ($variant:expr) => {
        userinfo_table!($variant);
        modules! { $variant =>
            oidcc_codereuse,
            oidcc_codereuse_30seconds,
            oidcc_server_client_secret_post,
            oidcc_refresh_token,
        }
    };
}

/// The modules of the response type `code` alone.
macro_rules! basic_table {
    ($variant:expr) => {
        core_table!($variant);
        code_table!($variant);
        modules! { $variant =>
            oidcc_response_type_missing,
            oidcc_idtoken_unsigned,
            oidcc_ensure_request_without_nonce_succeeds_for_code_flow,
            oidcc_ensure_post_request_succeeds,
            oidcc_ensure_request_with_valid_pkce_succeeds,
        }
    };
}

/// The modules of both implicit response types.
macro_rules! implicit_tables {
    ($mode:expr) => {
        mod id_token {
            core_table!($mode("id_token"));
            modules! { $mode("id_token") => oidcc_ensure_request_without_nonce_fails }
        }
        mod id_token_token {
            core_table!($mode("id_token token"));
            userinfo_table!($mode("id_token token"));
            modules! { $mode("id_token token") =>
                oidcc_ensure_request_without_nonce_fails,
                oidcc_response_type_missing,
            }
        }
    };
}

/// The modules of the three hybrid response types.
macro_rules! hybrid_tables {
    ($mode:expr) => {
        mod code_id_token {
            core_table!($mode("code id_token"));
            code_table!($mode("code id_token"));
            modules! { $mode("code id_token") =>
                oidcc_ensure_request_without_nonce_fails,
                oidcc_response_type_missing,
                oidcc_ensure_request_with_valid_pkce_succeeds,
            }
        }
        mod code_token {
            core_table!($mode("code token"));
            code_table!($mode("code token"));
            modules! { $mode("code token") =>
                oidcc_ensure_request_without_nonce_succeeds_for_code_flow,
            }
        }
        mod code_id_token_token {
            core_table!($mode("code id_token token"));
            code_table!($mode("code id_token token"));
            modules! { $mode("code id_token token") =>
                oidcc_ensure_request_without_nonce_fails,
            }
        }
    };
}
