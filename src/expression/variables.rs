//! The variables of expressions and their fields. The names of the user's fields are those of
//! Kubernetes' `AuthenticationConfiguration` where it has them.

use serde_json::{Map, Value};

use super::{
    budget::EvaluationBudgetPool,
    types::ExpressionType,
    value::{EvaluatedValue, ListValue, MapValue, TextValue},
};

/// The variables that an expression can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpressionScope {
    /// `claims`: mappings and rules of an identity provider's claims.
    Claims,
    /// `claims` and `user`: rules about the person that claims are mapped to.
    User,
    /// `user` and `client`: rules about entering an application.
    Access,
}

impl ExpressionScope {
    /// The variables that expressions of this scope can use.
    pub(super) fn variables(self) -> &'static [VariableName] {
        match self {
            Self::Claims => &[VariableName::Claims],
            Self::User => &[VariableName::Claims, VariableName::User],
            Self::Access => &[VariableName::User, VariableName::Client],
        }
    }

    /// The fields of `user`.
    pub(super) fn user_fields(self) -> &'static [UserField] {
        match self {
            Self::Claims => &[],
            Self::User => &UserField::ALL[..UserField::MAPPED],
            Self::Access => &UserField::ALL,
        }
    }
}

/// A variable, by its name in expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum VariableName {
    Claims,
    User,
    Client,
}

impl VariableName {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Claims => "claims",
            Self::User => "user",
            Self::Client => "client",
        }
    }
}

/// A field of `user`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UserField {
    Username,
    Uid,
    Subject,
    Email,
    EmailVerified,
    Groups,
    Extra,
    Provider,
    Acr,
    Amr,
}

impl UserField {
    /// The fields, first those that a mapping of claims gives.
    pub(super) const ALL: [Self; 10] = [
        Self::Username,
        Self::Uid,
        Self::Subject,
        Self::Email,
        Self::EmailVerified,
        Self::Groups,
        Self::Extra,
        Self::Provider,
        Self::Acr,
        Self::Amr,
    ];

    /// The number of fields that a mapping of claims gives.
    const MAPPED: usize = 7;

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Username => "username",
            Self::Uid => "uid",
            Self::Subject => "subject",
            Self::Email => "email",
            Self::EmailVerified => "emailVerified",
            Self::Groups => "groups",
            Self::Extra => "extra",
            Self::Provider => "provider",
            Self::Acr => "acr",
            Self::Amr => "amr",
        }
    }

    pub(super) fn value_type(self) -> ExpressionType {
        match self {
            Self::EmailVerified => ExpressionType::Boolean,
            Self::Groups | Self::Amr => ExpressionType::List,
            Self::Extra => ExpressionType::Map,
            _ => ExpressionType::Text,
        }
    }
}

/// A field of `client`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClientField {
    Id,
    Name,
    Namespace,
}

impl ClientField {
    pub(super) const ALL: [Self; 3] = [Self::Id, Self::Name, Self::Namespace];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Name => "name",
            Self::Namespace => "namespace",
        }
    }
}

/// The values of an evaluation. A variable without a value is an error where it is used.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExpressionVariables<'a> {
    /// The value of `claims`: the claims of an identity provider about a person.
    pub claims: Option<&'a Map<String, Value>>,
    /// The value of `user`.
    pub user: Option<ExpressionUser<'a>>,
    /// The value of `client`.
    pub client: Option<ExpressionClient<'a>>,
    /// The steps that the evaluation shares with others.
    pub steps: Option<&'a EvaluationBudgetPool>,
}

/// The fields of the variable `user`.
#[derive(Clone, Copy, Debug)]
pub struct ExpressionUser<'a> {
    /// `user.username`: the normalized sign-in name; in rules of a provider, as the provider gives it.
    pub username: &'a str,
    /// `user.uid` and `user.subject`: the `sub` claim.
    pub subject: &'a str,
    /// `user.email`; absent for a user without an e-mail address.
    pub email: Option<&'a str>,
    /// `user.emailVerified`, which is absent if it is unknown.
    pub email_verified: Option<bool>,
    /// `user.groups`: the names of the groups.
    pub groups: &'a [String],
    /// `user.extra`: further claims by name.
    pub extra: &'a Map<String, Value>,
    /// `user.provider`: the identity provider, which is absent for people of the tenant itself.
    pub provider: Option<&'a str>,
    /// `user.acr`: the level of the sign-in, which is absent if it has none.
    pub acr: Option<&'a str>,
    /// `user.amr`: the methods of the sign-in.
    pub amr: &'a [&'a str],
}

impl<'a> ExpressionUser<'a> {
    pub(super) fn value_of(&self, field: UserField) -> Option<EvaluatedValue<'a>> {
        let text = |text| EvaluatedValue::Text(TextValue::Borrowed(text));
        match field {
            UserField::Username => Some(text(self.username)),
            UserField::Uid | UserField::Subject => Some(text(self.subject)),
            UserField::Email => self.email.map(text),
            UserField::EmailVerified => self.email_verified.map(EvaluatedValue::Bool),
            UserField::Groups => Some(EvaluatedValue::List(ListValue::Texts(self.groups))),
            UserField::Extra => Some(EvaluatedValue::Map(MapValue::Json(self.extra))),
            UserField::Provider => self.provider.map(text),
            UserField::Acr => self.acr.map(text),
            UserField::Amr => Some(EvaluatedValue::List(ListValue::Words(self.amr))),
        }
    }
}

/// The fields of the variable `client`.
#[derive(Clone, Copy, Debug)]
pub struct ExpressionClient<'a> {
    /// `client.id`: the `client_id`.
    pub id: &'a str,
    /// `client.name`: the display name.
    pub name: &'a str,
    /// `client.namespace`: the namespace of the object.
    pub namespace: &'a str,
}

impl<'a> ExpressionClient<'a> {
    pub(super) fn value_of(&self, field: ClientField) -> EvaluatedValue<'a> {
        EvaluatedValue::Text(TextValue::Borrowed(match field {
            ClientField::Id => self.id,
            ClientField::Name => self.name,
            ClientField::Namespace => self.namespace,
        }))
    }
}
