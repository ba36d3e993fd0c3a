using static Eider.Devices.Ide.AtapiCommandFlags;

namespace Eider.Devices.Ide;

/// <summary>The packet commands and their conditions (the predecessor's <c>atapi_cmd_table</c>).</summary>
internal static class AtapiCommandTable
{
    /// <summary>The conditions of a command.</summary>
    public static AtapiCommandFlags Flags(AtapiOpcode opcode) => opcode switch
    {
        AtapiOpcode.TestUnitReady or AtapiOpcode.Seek => Known | CheckReady,
        AtapiOpcode.RequestSense or AtapiOpcode.Inquiry or AtapiOpcode.GetConfiguration or AtapiOpcode.GetEventStatus =>
            Known | AllowAttention | SendsData,
        AtapiOpcode.ModeSense6 or AtapiOpcode.ModeSense10 or AtapiOpcode.MechanismStatus => Known | SendsData,
        AtapiOpcode.StartStopUnit or AtapiOpcode.PreventAllowRemoval or AtapiOpcode.SetSpeed => Known,
        AtapiOpcode.ReadCapacity or AtapiOpcode.Read10 or AtapiOpcode.Read12 or AtapiOpcode.ReadCd or AtapiOpcode.ReadToc
            or AtapiOpcode.ReadDvdStructure or AtapiOpcode.ReadDiscInformation or AtapiOpcode.ReadTrackInformation =>
            Known | CheckReady | SendsData,
        _ => None,
    };
}
