namespace Eider.Machines.Tests;

public sealed class RoomTests
{
    // Design, "The rooms": who may see whom.
    [Fact]
    public void Sees_only_the_rooms_that_the_design_allows() => Eider.Testing.RoomRules.Check("Eider.Machines");
}
