using IncidentFox.Workbench.Estate.Cluster;

namespace IncidentFox.Workbench.Estate.Shop;

internal sealed class PaymentsProcess : ShopProcess
{
    public PaymentsProcess(ContainerStart start, TimeProvider clock)
        : base(start, clock) => Log("info", "listening on port 8080");

    protected override async Task<ShopReply> AnswerAsync(CancellationToken cancellationToken)
    {
        await WorkAsync(12, 35, cancellationToken);
        return new(200, "paid");
    }
}

internal sealed class CatalogProcess : ShopProcess
{
    public CatalogProcess(ContainerStart start, TimeProvider clock)
        : base(start, clock) => Log("info", "listening on port 8080");

    protected override async Task<ShopReply> AnswerAsync(CancellationToken cancellationToken)
    {
        await WorkAsync(2, 9, cancellationToken);
        return new(200, "42 articles");
    }
}
