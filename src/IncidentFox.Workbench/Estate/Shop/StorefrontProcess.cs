using IncidentFox.Workbench.Estate.Cluster;

namespace IncidentFox.Workbench.Estate.Shop;

/// <summary>What customers see: most visits end in a checkout, the others look at the catalog.</summary>
internal sealed class StorefrontProcess : ShopProcess
{
    private const int CheckoutShare = 60;
    private readonly ShopNetwork _network;

    public StorefrontProcess(ContainerStart start, TimeProvider clock, ShopNetwork network)
        : base(start, clock)
    {
        _network = network;
        Log("info", "listening on port 8080");
    }

    protected override async Task<ShopReply> AnswerAsync(CancellationToken cancellationToken)
    {
        var service = Random.Shared.Next(100) < CheckoutShare ? "checkout" : "catalog";
        var reply = await _network.CallAsync(service, "/", cancellationToken);
        Metrics.Upstream(service, reply.Outcome);
        if (reply.IsOk)
        {
            return new(200, $"{service}: {reply.Text}");
        }

        LogRepeated("error", $"call to {service} failed: {(reply.Status == 0 ? reply.Text : $"status {reply.Status}: {reply.Text}")}");
        return new(503, $"{service} is not available, please try again");
    }
}
