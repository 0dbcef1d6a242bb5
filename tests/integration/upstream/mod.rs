//! People of identity providers over HTTP: Lanyard as its own upstream, and providers that lie.

use crate::support::{app, browser, upstream};

mod account_choice;
mod account_page;
mod answers;
mod attacks;
mod backchannel_logout;
mod bad_input;
mod client_ref;
mod declared_access;
mod entra;
mod github;
mod github_refresh;
mod hanging;
mod identifier_first;
mod many_people;
mod markup;
mod new_people;
mod own_authority;
mod presets;
mod private_key_jwt;
mod pushed;
mod refresh;
mod refused_users;
mod remembered_people;
mod replicas;
mod second_factor;
mod session_limit;
mod sign_in;
mod sign_out;
mod signed_userinfo;
mod step_up;
mod take_over;
mod thousand_bad;
mod world;
