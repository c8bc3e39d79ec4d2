//! Keys of the texts for roles, devices and states.

use crate::people::{AccountState, Role};
use crate::sites::DeviceKind;

/// Key of a role's name.
pub(super) fn role_key(role: &Role) -> &'static str {
    match role {
        Role::Administrator => "role-administrator",
        Role::Editor => "role-editor",
        Role::Reviewer => "role-reviewer",
        Role::Duty => "role-duty",
        Role::Tutor => "role-tutor",
        Role::Township => "role-township",
        Role::Department => "role-department",
        Role::Operator => "role-operator",
        Role::Auditor => "role-auditor",
        Role::Learner => "role-learner",
    }
}

/// Key of a device's name.
pub(super) fn device_key(device: &DeviceKind) -> &'static str {
    match device {
        DeviceKind::Computer => "device-computer",
        DeviceKind::Tv => "device-tv",
        DeviceKind::Phone => "device-phone",
    }
}

/// Key of a state's name.
pub(super) fn state_key(state: &AccountState) -> &'static str {
    match state {
        AccountState::Invited => "state-invited",
        AccountState::Active => "state-active",
        AccountState::Disabled => "state-disabled",
    }
}
