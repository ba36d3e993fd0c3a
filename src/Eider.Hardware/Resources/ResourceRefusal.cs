namespace Eider.Hardware.Resources;

/// <summary>Why a list was not granted.</summary>
/// <param name="Constraint">The first of the list that cannot be met.</param>
/// <param name="Holder">
/// What was granted already, to another device or earlier in the list, where the constraint says that it must be: the
/// lowest if there are several. Null if nothing was: no pool holds such a place, or the constraint names none.
/// Registers and device memory stand in each other's way, since both are guest-physical addresses.
/// </param>
public sealed record ResourceRefusal(ResourceConstraint Constraint, Resource? Holder);
