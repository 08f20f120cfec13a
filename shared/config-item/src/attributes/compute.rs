//! What is kept of computing and networks.

super::types! {
    "AWS::Lambda::Function" [] {
        runtime Text "runtime"
        architecture Text "architectures.0"
        memorySize Number "memorySize"
        timeout Number "timeout"
        packageType Text "packageType"
        ephemeralStorageSize Number "ephemeralStorage.size"
        tracingMode Text "tracingConfig.mode"
        vpcId Text "vpcConfig.vpcId"
    }
    "AWS::Lambda::LayerVersion" [] {
        architectures List "compatibleArchitectures"
        runtimes List "compatibleRuntimes"
    }
    "AWS::EC2::Instance" ["state"] {
        instanceType Text "instanceType"
        architecture Text "architecture"
        platform Text "platform"
        imageId Text "imageId"
        lifecycle Text "instanceLifecycle"
        launchedAt Text "launchTime"
        vpcId Text "vpcId"
        subnetId Text "subnetId"
        privateDnsName Text "privateDnsName"
        publicIpAddress Text "publicIpAddress"
        ebsOptimized Flag "ebsOptimized"
    }
    "AWS::EC2::Volume" ["state"] {
        size Number "size"
        volumeType Text "volumeType"
        iops Number "iops"
        throughput Number "throughput"
        encrypted Flag "encrypted"
    }
    "AWS::EC2::VPC" ["state"] {
        cidrBlock Text "cidrBlock"
        isDefault Flag "isDefault"
    }
    "AWS::EC2::Subnet" ["state"] {
        cidrBlock Text "cidrBlock"
        vpcId Text "vpcId"
        publicIpOnLaunch Flag "mapPublicIpOnLaunch"
    }
    "AWS::EC2::SecurityGroup" [] {
        groupName Text "groupName"
        vpcId Text "vpcId"
    }
    "AWS::EC2::NetworkInterface" ["status"] {
        interfaceType Text "interfaceType"
        vpcId Text "vpcId"
        subnetId Text "subnetId"
        privateIpAddress Text "privateIpAddress"
        requesterManaged Flag "requesterManaged"
    }
    "AWS::EC2::EIP" [] {
        publicIp Text "publicIp"
        domain Text "domain"
    }
    "AWS::EC2::NatGateway" ["state"] {
        connectivityType Text "connectivityType"
        vpcId Text "vpcId"
        subnetId Text "subnetId"
    }
    "AWS::EC2::RouteTable" [] {
        vpcId Text "vpcId"
    }
    "AWS::EC2::NetworkAcl" [] {
        vpcId Text "vpcId"
        isDefault Flag "isDefault"
    }
    "AWS::EC2::VPCEndpoint" ["state"] {
        serviceName Text "serviceName"
        endpointType Text "vpcEndpointType"
        vpcId Text "vpcId"
        privateDnsEnabled Flag "privateDnsEnabled"
    }
    "AWS::EC2::VPNConnection" ["state"] {
        connectionType Text "type"
        category Text "category"
        vpnGatewayId Text "vpnGatewayId"
        transitGatewayId Text "transitGatewayId"
    }
    "AWS::EC2::TransitGateway" ["state"] {
        autoAcceptSharedAttachments Text "options.autoAcceptSharedAttachments"
    }
    "AWS::EC2::LaunchTemplate" [] {
        defaultVersion Number "defaultVersionNumber"
        latestVersion Number "latestVersionNumber"
    }
    "AWS::AutoScaling::AutoScalingGroup" ["status"] {
        minSize Number "minSize"
        maxSize Number "maxSize"
        desiredCapacity Number "desiredCapacity"
        healthCheckType Text "healthCheckType"
        capacityRebalance Flag "capacityRebalance"
    }
    "AWS::ECS::Cluster" ["status"] {
        capacityProviders List "capacityProviders"
    }
    "AWS::ECS::Service" ["status"] {
        launchType Text "launchType"
        platformVersion Text "platformVersion"
        desiredCount Number "desiredCount"
        schedulingStrategy Text "schedulingStrategy"
        taskDefinition Text "taskDefinition"
        executeCommandEnabled Flag "enableExecuteCommand"
    }
    "AWS::ECS::TaskDefinition" ["status"] {
        family Text "family"
        cpu Number "cpu"
        memory Number "memory"
        networkMode Text "networkMode"
        compatibilities List "requiresCompatibilities"
        architecture Text "runtimePlatform.cpuArchitecture"
        operatingSystem Text "runtimePlatform.operatingSystemFamily"
    }
    "AWS::EKS::Cluster" ["status"] {
        version Text "version"
        platformVersion Text "platformVersion"
        endpoint Text "endpoint"
        endpointPublicAccess Flag "resourcesVpcConfig.endpointPublicAccess"
        endpointPrivateAccess Flag "resourcesVpcConfig.endpointPrivateAccess"
        vpcId Text "resourcesVpcConfig.vpcId"
        secretsEncrypted Present "encryptionConfig.0"
    }
    "AWS::EKS::Nodegroup" ["status"] {
        version Text "version"
        amiType Text "amiType"
        capacityType Text "capacityType"
        instanceTypes List "instanceTypes"
        minSize Number "scalingConfig.minSize"
        maxSize Number "scalingConfig.maxSize"
        desiredCapacity Number "scalingConfig.desiredSize"
    }
    "AWS::ElasticLoadBalancingV2::LoadBalancer" ["state"] {
        loadBalancerType Text "type"
        scheme Text "scheme"
        endpoint Text "dNSName"
        vpcId Text "vpcId"
        ipAddressType Text "ipAddressType"
    }
    "AWS::ElasticLoadBalancingV2::Listener" [] {
        port Number "port"
        protocol Text "protocol"
    }
    "AWS::ElasticLoadBalancingV2::TargetGroup" [] {
        port Number "port"
        protocol Text "protocol"
        targetType Text "targetType"
        vpcId Text "vpcId"
    }
    "AWS::ElasticLoadBalancing::LoadBalancer" [] {
        scheme Text "scheme"
        endpoint Text "dnsname"
        vpcId Text "vpcid"
    }
    "AWS::ElasticBeanstalk::Environment" ["status"] {
        platform Text "platformArn"
        solutionStack Text "solutionStackName"
        endpoint Text "cname"
        tier Text "tier.name"
    }
}
