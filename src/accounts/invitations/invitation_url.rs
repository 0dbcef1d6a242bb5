//! URLs of invitations: the page of the issuer, with the link sealed as its token.

use crate::{
    accounts::records::sealed_record::seal_record,
    keys::Sealer,
    model::{Endpoint, Entropy, Issuer, Tenant, TenantId, Timestamp, UserInvitation},
    protocol::records::InvitationLink,
};

/// The content of the link of an invitation.
pub(super) fn invitation_link_content(invited: &UserInvitation) -> InvitationLink {
    InvitationLink {
        subject: invited.subject.to_string(),
        person: invited.person,
        id: invited.invitation.id.clone(),
        not_after: invited.invitation.not_after,
    }
}

/// The URL of a link to a tenant.
pub(in crate::accounts) fn invitation_url(
    sealer: &Sealer,
    tenant: &Tenant,
    link: &InvitationLink,
    entropy: &dyn Entropy,
    now: Timestamp,
) -> String {
    seal_link(sealer, (&tenant.id, &tenant.issuer), link, entropy, now)
}

/// The URL of a link to an issuer.
pub(super) fn seal_link(
    sealer: &Sealer,
    (tenant, issuer): (&TenantId, &Issuer),
    link: &InvitationLink,
    entropy: &dyn Entropy,
    now: Timestamp,
) -> String {
    let token = seal_record(sealer, tenant, link, entropy, now);
    format!("{}{token}", invitation_url_prefix(issuer))
}

/// A link without its token.
pub(super) fn invitation_url_prefix(issuer: &Issuer) -> String {
    format!("{}?token=", Endpoint::Invitation.url(issuer))
}
