using System.Collections.Concurrent;
using IncidentFox.Workbench.Estate.Cluster;

namespace IncidentFox.Workbench.Estate.Shop;

/// <summary>Runs the shop's containers: one process object per running container.</summary>
internal sealed class ShopRuntime(ShopNetwork network, TimeProvider clock) : IContainerRuntime
{
    private readonly ConcurrentDictionary<string, ShopProcess> _processes = new(StringComparer.Ordinal);

    public IReadOnlyList<ShopProcess> Running => [.. _processes.Values.Where(p => !p.IsStopped)];

    /// <summary>The registry has what was ever built; a version that was not cannot be pulled.</summary>
    public bool HasImage(string image) => ClusterSeed.Images.Contains(image);

    public IContainerProcess Start(ContainerStart start)
    {
        ShopProcess process = start.Container switch
        {
            "storefront" => new StorefrontProcess(start, clock, network),
            "checkout" => new CheckoutProcess(start, clock, network),
            "payments" => new PaymentsProcess(start, clock),
            "catalog" => new CatalogProcess(start, clock),
            _ => throw new InvalidOperationException($"No program for container {start.Container}."),
        };
        foreach (var (pod, _) in _processes.Where(p => p.Value.IsStopped))
        {
            _processes.TryRemove(pod, out _);
        }

        _processes[start.PodName] = process;
        return process;
    }

    public ShopProcess? Find(string pod) => _processes.TryGetValue(pod, out var process) && !process.IsStopped ? process : null;
}
