//! The party on whose behalf a directory is asked.

use crate::{
    accounts::AccountContext, fetch::FetchOwner, model::throttle_prefix,
    upstream::ldap::DirectoryCaller,
};

/// The party on whose behalf a directory of the tenant is asked.
pub(in crate::accounts) fn directory_caller(context: AccountContext<'_>) -> DirectoryCaller {
    let tenant = context.tenant_id().to_string().into();
    let owner = FetchOwner { tenant, address: Some(throttle_prefix(context.origin.address)) };
    DirectoryCaller { owner, now: context.now }
}
